--- docs.lua [check]: writes what documents say of the elementwise operations from src/base/elementwise.def: a row of README.md,
-- a table of recipes/README.md, and the editor types; and of include/options.def the editor types of a merge's options. With
-- `check` it writes nothing and fails where a document is not of its table. `make docs` runs it; tests/docs.sh checks.
local operations = dofile "src/tools/elementwise.lua" ()
local check = arg[1] == "check"

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

--- Everything from a line that begins with `first` to the next line `last`, both included, becomes `text`, made of `source`.
local function replace(path, first, last, text, source)
  local old = read(path)
  local from = assert(old:find("\n" .. first, 1, true), path .. " has no line that begins with: " .. first) + 1
  local to = assert(select(2, old:find("\n" .. last, from, true)), path .. ": no end: " .. last)
  local new = old:sub(1, from - 1) .. text .. old:sub(to + 1)
  if new == old then return true end
  if check then print(path .. " is not of " .. (source or "src/base/elementwise.def") .. ": run `make docs`") return false end
  local file = assert(io.open(path, "wb"))
  file:write(new)
  file:close()
  return true
end

--- Operators, methods and functions as three lists.
local function by_form()
  local operators, methods, functions = {}, {}, {}
  for _, entry in ipairs(operations) do
    if entry.written:find ":" then methods[#methods + 1] = entry
    elseif entry.written:find "%(" then functions[#functions + 1] = entry
    else operators[#operators + 1] = entry end
  end
  return operators, methods, functions
end
local operators, methods, functions = by_form()

local function cell(text) return (text:gsub("|", "\\|")) end

--- "| element by element | `+ - * /`, `x:abs() sqrt()`, `where(mask, x, y)` |"
local function row()
  local signs, seen, words, alone = {}, {}, {}, {}
  for _, entry in ipairs(operators) do
    local sign = entry.written:match "%p"
    if not seen[sign] then signs[#signs + 1] = sign end
    seen[sign] = true
  end
  for i, entry in ipairs(methods) do words[i] = entry.written:sub(3) end
  for i, entry in ipairs(functions) do alone[i] = "`" .. entry.written .. "`" end
  return ("| element by element, of tensors, models, lists | `%s`, `x:%s`, %s |\n"):format(
    cell(table.concat(signs, " ")), table.concat(words, " "), table.concat(alone, ", "))
end

local function described()
  local lines = { "| written | gives, element by element |\n|---|---|\n" }
  for _, entry in ipairs(operations) do lines[#lines + 1] = ("| `%s` | %s |\n"):format(cell(entry.written), entry.meaning) end
  return table.concat(lines)
end

--- The class of values in LuaCATS annotations: its operators and methods; then the functions.
local function types()
  local events = { ["x + y"] = "add", ["x - y"] = "sub", ["x * y"] = "mul", ["x / y"] = "div", ["x ^ y"] = "pow", ["x & y"] = "band",
    ["x | y"] = "bor", ["-x"] = "unm", ["~x"] = "bnot" }
  local lines = { "---What can be done element by element, and reduced.", "---@class Elements" }
  local function add(...) lines[#lines + 1] = (...):format(select(2, ...)) end
  for _, entry in ipairs(operators) do
    local two = entry.written:find "^x"
    add(two and "---@operator %s(Operand): self # %s" or "---@operator %s: self # %s", events[entry.written], entry.meaning)
  end
  add "local Elements = {}"
  for _, list in ipairs { methods, functions } do
    for _, entry in ipairs(list) do
      local name, parameters = entry.written:match "([%l_]+)%((.*)%)"
      for parameter in parameters:gmatch "%l+" do add("---@param %s Operand", parameter) end
      add("---@return %s # %s", list == methods and "self" or "Value", entry.meaning)
      add("function %s%s(%s) end", list == methods and "Elements:" or "", name, parameters)
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

--- The options of a merge, a field each.
local function options()
  local lines = {}
  local of_form = { SWITCH = "boolean", COUNT = "integer|string", SIZE = "integer|string", SECONDS = "number", TEXTS = "string|string[]",
    SCORE = "string|string[]|fun(folder: string): number" }
  for name, form, value, doc in read("include/options.def"):gmatch '\nMW_OPTION%(([%l_]+), (%u+), [%l_]+, %d, "(.-)",[^"]*(".-")%)%f[\n]' do
    local words = '"' .. value:gsub("|", '"|"') .. '"'
    local kind = of_form[form] or (form == "WORD" or value:find "|") and words or "string"
    lines[#lines + 1] = ("---@field %s? %s %s\n"):format(name, kind, doc:gsub('"%s+"', ""):sub(2, -2):gsub("\\n.*", ""))
  end
  assert(#lines > 15, "include/options.def cannot be read")
  return table.concat(lines)
end

local good = replace("README.md", "| element by element", "", row())
good = replace("recipes/README.md", "| written |", "\n", described() .. "\n") and good
good = replace("lua/moonweld/types.lua", "-- <made of elementwise.def by `make docs`>", "-- </made of elementwise.def>\n",
  "-- <made of elementwise.def by `make docs`>\n" .. types() .. "-- </made of elementwise.def>\n") and good
good = replace("lua/moonweld/types.lua", "---@field output? ", "---@field progress?", options() .. "---@field progress?",
  "include/options.def") and good
os.exit(good)
