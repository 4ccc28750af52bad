--- setting.lua: a number that is looked for in several places, as mergekit looks for a parameter. For example
--
--   setting{ of = "weight", { { filter = "mlp", value = {0, 1} } }, 0.5 }
--
-- is for a tensor with "mlp" in its name a gradient over depth, from 0 in the first layer to 1 in the last; for all others 0.5. A
-- place is a number, a gradient, or a list of filters with values, and the first place that says something of a tensor counts. Unlike
-- layers{...}, a gradient stands at its first number outside of the layers, and a single layer at the last one.
local core = ...
local V = core.module("value")
local word = core.module("word").word
local depth = core.module("depth")
local fail, kind = V.fail, V.kind
local S = {}

local function is_number(x) return type(x) == "number" and x == x end

--- A gradient with `step` does not mix two numbers: it takes the one that was reached last.
local function check_gradient(of, values)
  for key in pairs(values) do if math.type(key) ~= "integer" and key ~= "step" then fail("a gradient of '%s' has numbers, not '%s'", of, core.shown(tostring(key))) end end
  for i = 1, #values do if not is_number(values[i]) then fail("a gradient of '%s' has plain numbers, not %s", of, V.called(values[i])) end end
  return values
end

local function check_value(of, value)
  if is_number(value) then return value end
  if kind(value) ~= "table" then return (fail("'%s' is a number or a gradient in braces, not %s", of, V.called(value))) end
  return (check_gradient(of, value))
end

local function check_place(of, place)
  if is_number(place) then return place end
  if kind(place) ~= "table" then return (fail("a place of '%s' is a number, a gradient or a list of filters, not %s", of, V.called(place))) end
  if kind(place[1]) ~= "table" then return (check_gradient(of, place)) end
  for _, entry in ipairs(place) do
    if kind(entry) ~= "table" or entry.filter ~= nil and type(entry.filter) ~= "string" then fail("a filter of '%s' is written {filter = TEXT, value = NUMBER}", of) end
    check_value(of, entry.value)
  end
  return place
end

local met = { ["*"] = true } -- whether a filter is a part of any name

local function meets(filter)
  if met[filter] ~= nil then return met[filter] end
  for _, model in ipairs(core.models) do
    for _, name in ipairs(model.names) do met[filter] = met[filter] or name:find(filter, 1, true) ~= nil end
  end
  met[filter] = met[filter] or false
  return met[filter]
end

local function warn_of_filters(of, place)
  if type(place) ~= "table" or kind(place[1]) ~= "table" or #core.models == 0 then return end
  for _, entry in ipairs(place) do
    if entry.filter and not meets(entry.filter) then core.warn(("%s: the filter '%s' matches no tensor"):format(of, core.shown(entry.filter))) end
  end
end

--- A value at depth t from 0 to 1; nil of an empty gradient.
local function value_at(value, t)
  if type(value) == "number" then return value end
  local place = t * (#value - 1)
  local low = math.floor(place)
  if value.step or low + 1 >= #value then return value[math.min(low + 1, #value)] end
  return (1 - (place - low)) * value[low + 1] + (place - low) * value[low + 2]
end

local function look_up(place, name, t)
  if type(place) == "number" or kind(place[1]) ~= "table" then return (value_at(place, t)) end
  for _, entry in ipairs(place) do
    if not entry.filter or entry.filter == "*" or name:find(entry.filter, 1, true) then return (value_at(entry.value, t)) end
  end
end

--- The name that filters see, and the depth. `layers` are those of the file that the model's layers 0, 1 ... are.
local function stand(name, layers, measured)
  local stack, layer, rest = depth.layer_of(name)
  if not stack then return name, 0 end
  local count = layers and layers[2] - layers[1] or depth.layers(stack, measured)
  return layers and ("%s.%d.%s"):format(stack, layers[1] + layer, rest) or name, count > 1 and layer / (count - 1) or 1
end

--- The line that is told is that of the setting: the numbers are asked for elsewhere, in the recipe that it was given to or at the end.
local function refuse(own, of, name)
  local text = ("tensor '%s' gets no '%s': no filter matches it, and there is no value without a filter"):format(core.shown(name), of)
  if own.source:sub(1, 1) ~= "@" then return (core.fail("input", text)) end
  return (core.fail("placed", ("%s:%d: %s"):format(core.shown(own.source:sub(2)), own.currentline, text)))
end

--- setting{ of = NAME, place, place, ...; default = NUMBER, layers = {first, end} }: a number for each tensor, by its name and depth.
S.setting = word("setting{...}", function(given)
  if kind(given) ~= "table" then return (fail("setting{...} takes places in braces")) end
  local places, options = {}, {}
  for key, value in pairs(given) do
    if math.type(key) == "integer" then places[key] = value
    elseif key == "of" or key == "default" or key == "layers" then options[key] = value
    else fail("setting{...} knows of, default and layers, not '%s'", core.shown(tostring(key))) end
  end
  local of, layers = options.of, options.layers
  if type(of) ~= "string" then return (fail("setting{of = ...} is the name of what is looked for, such as \"weight\"")) end
  for i, place in ipairs(V.items(places)) do
    places[i] = check_place(of, place)
    warn_of_filters(of, place)
  end
  local own = debug.getinfo(3, "Sl")
  return (V.new("field", { at = function(name, measured)
    local seen, t = stand(name, layers, measured)
    for _, place in ipairs(places) do
      local value = look_up(place, seen, t)
      if value ~= nil then return value end
    end
    return options.default or refuse(own, of, seen)
  end }))
end)

return S
