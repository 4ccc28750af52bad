--- pack.lua: one text of a recipe and of all that it requires at any depth, so that a shared recipe never arrives half. What is
-- built in is in every program and stays out. For a recipe that requires `util`, which is a file beside it:
--   part("util", function(_ENV)
--   ...the text of util.lua...
--   end)
--   ...the text of the recipe...
-- `part` is a word of the language (env.lua): require "util" then gives what that function returns. Each part gets globals of its own
-- by its _ENV, as the file had.
local core = ...
local lexer, fail = core.module("lexer"), core.module("value").fail
local P = {}

--- The names that a text requires, in order, and those of the parts that it carries already.
local function names_in(text, chunk)
  local kinds, texts, lines = lexer.tokens(text)
  local required, carried = {}, {}
  for i, word in ipairs(texts) do
    local is_word = kinds[i] == "name" and (word == "require" or word == "part") and not (texts[i - 1] or ""):find "^[.:]$"
    if is_word then
      local closed = kinds[i + 1] == "(" and kinds[i + 3] == (word == "part" and "," or ")")
      local quoted = kinds[i + 1] == "string" and texts[i + 1] or closed and texts[i + 2]
      local name = quoted and quoted:match "^[\"']([%w_-]+)[\"']$"
      if word == "part" then carried[name or ""] = true
      elseif not name then
        core.fail("data", string.format('%s:%d: require without a name that is written out cannot be packed; write require "NAME"', core.shown(chunk:sub(2)), lines[i]))
      else required[#required + 1] = name end
    end
  end
  return required, carried
end

--- A text as the body of a function: without the first line that is not Lua's.
local function body(text)
  return (text:gsub("^#[^\n]*", "", 1):gsub("%s*$", "\n"))
end

function P.text(text, chunk)
  local parts, seen = {}, {}
  local function visit(from, place)
    local required, carried = names_in(from, place)
    for name in pairs(carried) do seen[name] = true end
    for _, name in ipairs(required) do
      if not seen[name] then
        seen[name] = true
        local inner, where = core.require(name)
        if not where:find "^@recipes/" then
          visit(inner, where)
          parts[#parts + 1] = string.format('part("%s", function(_ENV)\n%send)\n', name, body(inner))
        end
      end
    end
  end
  visit(text, chunk)
  if #parts == 0 then return text end
  local packed = table.concat(parts, "\n") .. "\n" .. body(text)
  if #packed > 256 * 1024 then fail("packed, the recipe has %d bytes; a recipe has at most 256 KiB", #packed) end
  return packed
end

return P
