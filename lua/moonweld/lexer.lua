--- lexer.lua: the words of a Lua text that compiles (lua.org, manual of 5.4, section 3.1). What stands in strings and comments
-- is not looked at, so that nothing in them is taken for code.
local L = {}

local keywords = {}
for word in ("and break do else elseif end false for function goto if in local nil not or repeat return then true until while"):gmatch("%a+") do
  keywords[word] = true
end

--- Where the long bracket that begins at `at` ends ("[[...]]", "[==[...]==]"), or nil if none begins there.
local function long_bracket(text, at)
  local equals = text:match("^%[(=*)%[", at)
  if not equals then return nil end
  local _, last = text:find("]" .. equals .. "]", at, true)
  return last or #text
end

local function quoted(text, at)
  local quote = text:sub(at, at)
  local place = at + 1
  while true do
    local stop = text:find("[\\" .. quote .. "]", place) or #text
    if text:sub(stop, stop) ~= "\\" then return stop end
    place = stop + 2
  end
end

local numerals = { "^0[xX][%x%.]*[pP][+-]?%d+", "^0[xX][%x%.]+", "^%d*%.?%d*[eE][+-]?%d+", "^%d*%.?%d*" }
local function numeral(text, at)
  for _, form in ipairs(numerals) do
    local _, last = text:find(form, at)
    if last then return last end
  end
end

local operators = { "^%.%.%.", "^[=~<>]=", "^//", "^::", "^<<", "^>>", "^%.%." }
local function operator(text, at)
  for _, form in ipairs(operators) do
    local _, last = text:find(form, at)
    if last then return last end
  end
  return at
end

--- The tokens in order, as three lists: kinds ("name", "string", "number", or the text itself of a keyword or an operator; the
--- last is "end of text"), texts and lines.
function L.tokens(text)
  text = text:gsub("\r\n", "\n"):gsub("\n\r", "\n"):gsub("\r", "\n"):gsub("^#[^\n]*", "")
  local kinds, texts, lines, count, at = {}, {}, {}, 0, 1
  local line, newline = 1, text:find("\n", 1, true) -- the end of this line
  local function add(kind, last)
    local piece = text:sub(at, last)
    count = count + 1
    kinds[count], texts[count], lines[count] = kind or piece, piece, line
    at = last + 1
  end
  while true do
    at = text:find("%S", at) or #text + 1
    while newline and newline < at do line, newline = line + 1, text:find("\n", newline + 1, true) end
    local first = text:sub(at, at)
    if first == "" then
      add("end of text", at)
      return kinds, texts, lines
    elseif first:find("[%a_]") then
      local _, last = text:find("^[%w_]*", at)
      add(not keywords[text:sub(at, last)] and "name" or nil, last)
    elseif first == "-" and text:find("^%-", at + 1) then at = (long_bracket(text, at + 2) or (text:find("\n", at, true) or #text + 1) - 1) + 1
    elseif first == '"' or first == "'" then add("string", quoted(text, at))
    elseif first == "[" and long_bracket(text, at) then add("string", long_bracket(text, at))
    elseif text:find("^%.?%d", at) then add("number", numeral(text, at))
    elseif first:find("[%.=~<>/:]") then add(nil, operator(text, at))
    else add(nil, at) end
  end
end

return L
