--- node.lua: what a node of YAML means, and what is said of it. A text without quotes is a number, a truth value or nothing as PyYAML
-- reads YAML 1.1: `yes` and `off` are truth values, `.25` and `1_000` numbers, `1e-5` is a text (mergekit makes a number of it where
-- one is wanted, and so does N.number).
local core = ...
local suggest = core.module("suggest")
local N = { file = "", strict = false }
local MOST_WHOLE = 1000000000 -- of layers, ids and steps

--- { a = true, b = true } of "a b".
function N.set(text)
  local words = {}
  for word in text:gmatch("%S+") do words[word] = true end
  return words
end

local function place(node) return (node and ("%s:%d:%d: "):format(N.file, node.line, node.column) or N.file .. ": ") end

function N.refuse(node, text, ...) return (core.fail("input", place(node) .. text:format(...), "")) end

--- Like refuse, with what to do about it.
function N.advise(node, advice, text, ...) return (core.fail("input", place(node) .. text:format(...), advice)) end

--- What is otherwise here than in mergekit: a warning, since nothing in the file is wrong.
function N.tell(node, text, ...) core.warn(place(node) .. text:format(...)) end

--- What changes nothing here and in mergekit: a warning, with --strict an error.
function N.warn(node, text, ...)
  if N.strict then return (N.refuse(node, text, ...)) end
  core.warn(place(node) .. text:format(...))
end

-- ---- texts ----

local truths = {}
for text in ("yes Yes YES on On ON true True TRUE"):gmatch("%S+") do truths[text] = true end
for text in ("no No NO off Off OFF false False FALSE"):gmatch("%S+") do truths[text] = false end
local nothing = { [""] = true, ["~"] = true, null = true, Null = true, NULL = true }

--- A whole number; a float, where no integer holds it.
local function digits(text, base)
  local clean, value = text:gsub("_", ""), 0
  if base == 10 then return (tonumber(clean)) end
  for digit in clean:gmatch(".") do value = (value >= 1 << 53 and value + 0.0 or value) * base + tonumber(digit, base) end
  return value
end

--- "1:30", "1:30.5": every part but the first is below 60; nil where one is not.
local function sexagesimal(text)
  local value, whole = 0.0, text:gsub("_", ""):gsub("%.%d*$", "")
  for at, part in whole:gmatch("()([^:]*)") do
    if at > 1 and not part:find("^[0-5]?%d$") then return nil end
    value = value * 60 + tonumber(part)
  end
  return value + (tonumber(text:gsub("_", ""):match("%.%d+$")) or 0)
end

local function plain_number(text)
  local sign, rest = text:match("^([-+]?)(.*)$")
  local factor, value = sign == "-" and -1 or 1, nil
  if rest:find("^0b[01_]+$") then value = digits(rest:sub(3), 2)
  elseif rest:find("^0x[%x_]+$") then value = digits(rest:sub(3), 16)
  elseif rest:find("^0[0-7_]+$") then value = digits(rest, 8)
  elseif rest:find("^[1-9][%d_]*$") or rest == "0" then value = digits(rest, 10)
  elseif rest:find("^[1-9][%d_]*:[0-5]?%d[:%d]*$") or rest:find("^%d[%d_]*:[0-5]?%d[:%d]*%.[%d_]*$") then value = sexagesimal(rest)
  elseif rest:find("^%d[%d_]*%.[%d_]*$") or rest:find("^%.%d[%d_]*$") or rest:find("^%d[%d_]*%.[%d_]*[eE][-+]%d+$") or rest:find("^%.%d[%d_]*[eE][-+]%d+$") then
    local clean = rest:gsub("_", "")
    value = tonumber(clean)
  elseif rest:find("^%.[iI][nN][fF]$") then value = math.huge
  elseif text:find("^%.[nN][aA][nN]$") then value = 0 / 0 end
  return value and factor * value
end

--- The value of a text: nil, a truth value, a number, or a text; of a list or mapping the node itself.
function N.value(node)
  if node.kind ~= "text" then return node end
  local text = node.text
  if not node.plain then return text end
  if nothing[text] then return nil end
  if truths[text] ~= nil then return truths[text] end
  local number = plain_number(text)
  return number == nil and text or number
end

local function shown(node)
  if node.kind ~= "text" then return node.kind == "list" and "a list" or "a mapping" end
  return node.text == "" and "nothing" or "'" .. core.shown(node.text) .. "'"
end
N.shown = shown

--- A text as it is written; a number is one too, as in `model: 7b`.
function N.text(node, what)
  if node.kind ~= "text" or N.value(node) == nil then return (N.refuse(node, "%s is a text, not %s", what, shown(node))) end
  return node.text
end

--- Like Python's float: what a text says that is no number to YAML. nil where it is none.
local function text_number(text)
  local clean = text:match("^%s*(.-)%s*$"):gsub("(%d)_(%d)", "%1%2")
  if clean:find("[xX]") or clean:find("^[-+]?[nN]") then return nil end
  if clean:find("^[-+]?[iI][nN][fF]") then return clean:sub(1, 1) == "-" and -math.huge or math.huge end
  return (tonumber(clean))
end

--- A number, and whether YAML itself says that it is one (a gradient of texts does not mix them).
function N.number(node, what)
  local value = N.value(node)
  if value == true or value == false then return value and 1 or 0, true end
  local own = type(value) == "number"
  if not own then value = type(value) == "string" and text_number(value) or nil end
  if value == nil then return (N.refuse(node, "'%s' is a number, not %s", what, shown(node))) end
  if value ~= value or math.abs(value) == math.huge then return (N.refuse(node, "'%s' is a finite number, not %s", what, shown(node))) end
  return value, own
end

--- A whole number from `least` on, as an integer.
function N.whole(node, what, least)
  local value = N.number(node, what)
  if value ~= math.floor(value) or value < least or value > MOST_WHOLE then
    return (N.refuse(node, "'%s' is a whole number from %d to %d, not %s", what, least, MOST_WHOLE, shown(node)))
  end
  return (math.floor(value))
end

--- A truth value as mergekit takes one: 1, 1.0, "yes", "on", "true" and their contraries.
function N.truth(node, what)
  local value = N.value(node)
  if type(value) == "string" then
    local low = value:lower()
    value = truths[low]
    if value == nil then value = ({ ["1"] = true, ["0"] = false, y = true, t = true, n = false, f = false })[low] end
  end
  if value == 1 then value = true elseif value == 0 then value = false end
  if type(value) ~= "boolean" then return (N.refuse(node, "'%s' is true or false, not %s", what, shown(node))) end
  return value
end

-- ---- lists and mappings ----

function N.list(node, what)
  if node.kind ~= "list" then return (N.refuse(node, "%s is a list, not %s", what, shown(node))) end
  return node
end

local function add(map, key, value, own)
  local name, before = key.text, map.by_name[key.text]
  if before and own then N.warn(key, "'%s' stands here twice, in line %d too: the last one counts", core.shown(name), before.line) end
  if not map.values[name] then map.names[#map.names + 1] = name end
  map.by_name[name], map.values[name] = key, value
end

local function merge(map, node)
  if node.kind == "list" then
    for i = #node, 1, -1 do merge(map, node[i]) end -- of several the first one wins
    return
  end
  if node.kind ~= "map" then return (N.refuse(node, "'<<' takes a mapping, such as an alias of one, not %s", shown(node))) end
  for _, name in ipairs(N.map(node, "what '<<' takes").names) do
    local inner = N.map(node, "")
    add(map, inner.by_name[name], inner.values[name], false)
  end
end

--- A mapping: `names` in their order, the nodes of keys in `by_name` and those of values in `values`. What `<<` brings does not
--- replace what stands in the mapping itself.
function N.map(node, what)
  if node.kind ~= "map" then return (N.refuse(node, "%s is a mapping with keys, not %s", what, shown(node))) end
  if node.read then return node.read end
  local map, own = { node = node, names = {}, by_name = {}, values = {} }, { names = {}, by_name = {}, values = {} }
  for i = 1, #node, 2 do
    local key = node[i]
    if key.kind ~= "text" then return (N.refuse(key, "a key is a text, not %s", shown(key))) end
    if key.plain and key.text == "<<" then merge(map, node[i + 1]) else add(own, key, node[i + 1], true) end
  end
  for _, name in ipairs(own.names) do add(map, own.by_name[name], own.values[name], false) end
  node.read = map
  return map
end

--- Keys that mergekit reads of this mapping; it drops all others without a word. `remedy(name)` says what was perhaps meant.
function N.check_keys(map, known, where, remedy)
  for _, name in ipairs(map.names) do
    if not known[name] then
      local advice = remedy and remedy(name) or suggest.key(name, known)
      N.warn(map.by_name[name], "'%s' is no key of %s: mergekit ignores it, and so does this merge%s", core.shown(name), where, advice)
    end
  end
end

--- The node of a key, or nil where it is not there or empty.
function N.get(map, name)
  local node = map.values[name]
  if node and node.kind == "text" and N.value(node) == nil then return nil end
  return node
end

--- A text as Lua reads it back.
function N.quoted(text)
  local class = core.plain(text) and '[%c"\\]' or '[%c"\\\128-\255]'
  return '"' .. text:gsub(class, function(c) return (("\\x%02x"):format(c:byte())) end) .. '"'
end

return N
