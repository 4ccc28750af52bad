--- ldoc.lua FOLDER: writes the vocabulary of recipes and the Lua module there as ldoc reads them, made of lua/moonweld/types.lua, and
--- the settings of ldoc; `make doc` makes pages of it.
local folder = arg[1]

local function write(name, text)
  local file = assert(io.open(folder .. "/" .. name, "wb"))
  file:write(text)
  assert(file:close())
end

--- The next type of a text, whose brackets may hold spaces, and what follows it.
local function split_type(text)
  local depth, quoted = 0, false
  for i = 1, #text do
    local c = text:sub(i, i)
    if c == '"' then quoted = not quoted
    elseif quoted then quoted = true
    elseif c:find "[%[{(<]" then depth = depth + 1
    elseif c:find "[%]})>]" then depth = depth - 1
    elseif c == " " and depth == 0 and text:sub(i - 1, i - 1) ~= ":" then return text:sub(1, i - 1), text:sub(i + 1) end
  end
  return text, ""
end

--- What ldoc takes for markup.
local function plain(text) return (text:gsub("^#%s*", ""):gsub("@", "at "):gsub("&", "&amp;"):gsub("<", "&lt;")) end

--- A tag of a function, as ldoc has it.
local function tag(line)
  local name, rest = line:match "^@param ([%w_.]+%??) (.*)$"
  if name then
    local kind, text = split_type(rest)
    return ("-- @param %s %s: %s"):format(name:gsub("%?", ""), kind, plain(text))
  end
  rest = line:match "^@return (.*)$"
  if not rest then return nil end
  local kind, text = split_type(rest)
  return ("-- @return %s %s"):format(kind, plain(text))
end

local pages = {
  recipes = { "--- The vocabulary of recipes.\n"
    .. "-- Element by element means: of tensors, of every tensor of a model, of every member of a list.\n-- @module recipes\n" },
  moonweld = { "--- The Lua module: `require \"moonweld\"` in a program of yours, or in `moonweld script`.\n-- @module moonweld\n" },
}

local doc, tags, section = {}, {}, nil
for line in io.lines "lua/moonweld/types.lua" do
  local comment = line:match "^%-%-%-(.*)$"
  local class, name = line:match "^function (%w+)[:.]([%w_]+)%("
  name = name or line:match "^function ([%w_]+)%("
  if comment and comment:find "^@" then tags[#tags + 1] = comment
  elseif comment then doc[#doc + 1] = comment
  elseif name then
    local page = pages[class == "moonweld" and "moonweld" or "recipes"]
    local own = class ~= "moonweld" and (class or "Words that stand alone") or nil
    if own and own ~= section then page[#page + 1] = ("--- %s\n-- @section %s\n"):format(own, own:gsub("%A", "")) end
    section = own or section
    local text = { "--- " .. (plain(table.concat(doc, "\n-- ")) ~= "" and plain(table.concat(doc, "\n-- ")) or name .. ".") }
    local given = line:match "%((.-)%)"
    text[#text + 1] = ("-- @function %s"):format(class and class ~= "moonweld" and class .. ":" .. name or name)
    for _, entry in ipairs(tags) do text[#text + 1] = tag(entry) end
    if #doc == 0 then -- what it gives says what it does
      for _, entry in ipairs(tags) do
        local meaning = entry:match "^@return .- # (.*)$"
        if meaning then text[1] = "--- " .. plain(meaning) .. "." end
      end
    end
    page[#page + 1] = table.concat(text, "\n") .. "\n"
    assert(given)
    doc, tags = {}, {}
  else doc, tags = {}, {} end
end

write("recipes.lua", table.concat(pages.recipes, "\n"))
write("moonweld.lua", table.concat(pages.moonweld, "\n"))
write("config.ld", [[
project = "Moonweld"
title = "Moonweld: the language of recipes, and the Lua module"
description = "Made of lua/moonweld/types.lua; README.md and recipes/README.md are what to read first."
file = { "recipes.lua", "moonweld.lua" }
format = "plain"
no_space_before_args = true
sort = false
]])
