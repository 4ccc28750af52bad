--- config.lua: config.json as recipes read it, and what a recipe wants it to say. What follows from the tensors (depth, layer types,
-- vocabulary, tied heads, dtype) is edited without being asked (src/merge/follow.h); with_config is for the rest.
local core = ...
local V = core.module("value")
local word = core.module("word").word
local fail, kind, data = V.fail, V.kind, V.data
local C = {}

--- A table that cannot be changed, and neither can those within it.
local function read_only(t)
  return (setmetatable({}, { __metatable = false, __index = function(_, key)
    local value = t[key]
    return type(value) == "table" and read_only(value) or value
  end, __newindex = function() return (fail("a configuration cannot be changed; m:with_config{...} gives a model another one")) end,
    __len = function() return #t end, __pairs = function()
      local key
      return function()
        key = next(t, key)
        if key ~= nil then return key, type(t[key]) == "table" and read_only(t[key]) or t[key] end
      end
    end }))
end

local function is_object(t) return type(t) == "table" and #t == 0 and next(t) ~= nil end

--- `over` in the place of what `under` says, key by key where both are objects.
local function merged(under, over)
  local result = {}
  for key, value in pairs(under) do result[key] = value end
  for key, value in pairs(over) do
    result[key] = is_object(value) and is_object(result[key]) and merged(result[key], value) or value
  end
  return result
end

C.merged = merged

local function own_config(private) return private.label and core.configs[private.label] or core.config or {} end

--- Of a model that was given, its own; of a merge, the donor's; with what with_config has changed.
function V.properties.model.config(x) return (read_only(merged(own_config(data(x)), data(x).config or {}))) end

--- What is given, as plain tables that nobody else holds.
local function plain(value, place)
  local what = type(value)
  if what == "string" or what == "boolean" or (what == "number" and value == value and math.abs(value) < math.huge) then return value end
  if what ~= "table" or V.data(value) then
    return (fail("with_config: '%s' is a finite number, a text, true, false or a table of such, not %s", core.shown(place), what == "number" and tostring(value) or V.called(value)))
  end
  local copy, listed = {}, #value
  for key, member in pairs(value) do
    if math.type(key) == "integer" and key >= 1 and key <= listed then copy[key] = plain(member, place)
    elseif type(key) == "string" and listed == 0 then copy[key] = plain(member, place .. "." .. key)
    else fail("with_config: '%s' is neither a list nor a table of names", core.shown(place)) end
  end
  return copy
end

word("model:with_config{...}", function(x, changes)
  if kind(changes) ~= "table" or #changes > 0 or next(changes) == nil then
    return (fail("this is written model:with_config{key = value, ...}, with keys of config.json"))
  end
  local copy, private = {}, data(x)
  for key, value in pairs(changes) do
    if type(key) ~= "string" or key == "" then fail("with_config: keys of config.json are texts") end
    copy[key] = plain(value, key)
  end
  return (V.model(private.names, private.nodes, private.label, { kept = private.kept, part_of = private.part_of, laid_out = private.laid_out,
    config = merged(private.config or {}, copy), measured = private.measured }, private.stand_in))
end)

-- ---- for C ----

local function quoted(text)
  return '"' .. text:gsub('[%c"\\]', function(c) return (("\\u%04x"):format(c:byte())) end) .. '"'
end

local function spelled(value)
  if type(value) == "string" then return (quoted(value)) end
  if math.type(value) == "float" then
    local short = ("%.15g"):format(value)
    return tonumber(short) == value and short or ("%.17g"):format(value)
  end
  if type(value) ~= "table" then return (tostring(value)) end
  local parts, keys = {}, {}
  for _, member in ipairs(value) do parts[#parts + 1] = spelled(member) end
  for key in pairs(is_object(value) and value or {}) do keys[#keys + 1] = key end
  table.sort(keys)
  for i, key in ipairs(keys) do parts[i] = quoted(key) .. ": " .. spelled(value[key]) end
  return ((#keys > 0 and "{%s}" or "[%s]"):format(table.concat(parts, ", ")))
end

--- What config.json is to have, as a list of { json =, key, key, ... }: a table is one value where `file`, the donor's
--- unless told, has no object to change.
function C.changes(config, file)
  local list = {}
  local function add(path, changed, present)
    local keys = {}
    for key in pairs(changed) do keys[#keys + 1] = key end
    table.sort(keys)
    for _, key in ipairs(keys) do
      local here = table.move(path, 1, #path, 1, {})
      here[#here + 1] = key
      if is_object(changed[key]) and is_object(present[key]) then add(here, changed[key], present[key])
      else
        here.json = spelled(changed[key])
        list[#list + 1] = here
      end
    end
  end
  add({}, config or {}, file or core.config or {})
  return list
end

return C
