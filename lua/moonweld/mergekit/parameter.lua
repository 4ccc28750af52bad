--- parameter.lua: the value of a parameter of one configuration of mergekit, as the text that stands for it in a recipe. It is looked for
-- below its source, its slice, its module, and at the top; where filters leave tensors without a value, the next place goes on. For
-- example, `weight: [{filter: mlp, value: 0.3}]` of a model and `weight: 1` at the top are setting { of = "weight", { { filter = "mlp",
-- value = 0.3 } }, 1 }.
local core = ...
local N = core.module("mergekit/node")
local P = {}
local filter_keys = N.set "filter value"

local function scalar(node, param)
  local value = param[3] == "truth" and (N.truth(node, param[1]) and 1 or 0) or N.number(node, param[1])
  local short = ("%.15g"):format(value)
  return tonumber(short) == value and short or ("%.17g"):format(value)
end

local of_files = false -- what is read now is of a document whose models are files: a gradient stands at its first value

--- "0.5", or "{ 0, 1 }" of a list. Texts such as 1e-3 are numbers of a gradient like others; truth values do not mix.
local function value_text(node, param)
  local values = {}
  for i, member in ipairs(node.kind == "list" and node or { node }) do
    if member.kind ~= "text" then return (N.refuse(member, "'%s' has %s where a number is expected", param[1], N.shown(member))) end
    values[i] = scalar(member, param)
  end
  if #values == 1 or of_files and #values > 0 then return values[1] end
  return "{ " .. table.concat(values, ", ") .. (param[3] == "truth" and #values > 0 and ", step = true }" or " }")
end

local function entry_text(node, param)
  local map = N.map(node, ("an entry of '%s'"):format(param[1]))
  N.check_keys(map, filter_keys, ("a filter of '%s'"):format(param[1]))
  local filter = N.get(map, "filter")
  local given = N.get(map, "value") or N.refuse(node, "'%s' has a filter without a 'value'", param[1])
  local value, hollow = value_text(given, param), given.kind == "list" and #given == 0
  local text = filter and N.text(filter, "filter")
  local every = not text or text == "*"
  return every and ("{ value = %s }"):format(value) or ("{ filter = %s, value = %s }"):format(N.quoted(text), value), every, hollow
end

--- What stands for a parameter in one place, as text, and whether it says something of every tensor: an empty list says nothing.
local function place_text(node, param)
  local entries = node.kind == "map" and { node } or node.kind == "list" and node or {}
  local maps = 0
  for _, member in ipairs(entries) do maps = maps + (member.kind == "map" and 1 or 0) end
  if maps == 0 then
    if node.kind == "list" and #node == 0 then return nil, false end
    return value_text(node, param), true
  end
  if maps ~= #entries then return (N.refuse(node, "'%s' mixes numbers and filters in one list", param[1])) end
  local texts, every, hollow = {}, false, false
  for i, entry in ipairs(entries) do
    local all, empty
    texts[i], all, empty = entry_text(entry, param)
    every, hollow = every or all, hollow or empty
  end
  return "{ " .. table.concat(texts, ", ") .. " }", every and not hollow
end

local function places_of(doc, slice, source, param)
  local places = {}
  for _, params in ipairs { source and source.params or false, slice.params or false, slice.module_params or false, doc.params or false } do
    local node = params and N.get(params, param[1])
    if node then places[#places + 1] = { node, params.by_name[param[1]] } end
  end
  return places
end

local function missing(doc, slice, source, param)
  local name = param[1]
  local whose = source and (" of %s"):format(core.shown(source.model.key)) or ""
  local where = source and ("put '%s:' under its 'parameters:', or under those at the top"):format(name)
    or ("put '%s:' under the 'parameters:' at the top"):format(name)
  for _, other in ipairs(source and {} or slice.sources) do
    local key = other.params and other.params.by_name[name]
    if key then return (N.refuse(key, "'%s' is a parameter of the whole, which mergekit does not see under a model: put it under the 'parameters:' at the top", name)) end
  end
  for _, map in ipairs { source and source.map or false, doc.map } do
    local key = map and map.by_name[name]
    if key then return (N.refuse(key, "'%s'%s stands beside 'model' or at the top, where mergekit does not see it: put it under 'parameters:'", name, whose)) end
  end
  return (N.refuse(source and source.node or slice.node, "%s needs '%s'%s: %s", doc.method_name, name, whose, where))
end

--- The least and the greatest number of a value, and of those before.
local function bounds(node, param, low, high)
  if node.kind == "text" then
    local number = N.number(node, param[1])
    return math.min(low, number), math.max(high, number)
  end
  if node.kind == "map" then node = { N.get(N.map(node, ""), "value") } end
  for _, member in ipairs(node) do low, high = bounds(member, param, low, high) end
  return low, high
end

--- Every number that a parameter of a model may have; its default where it has no value.
local function numbers_of(doc, slice, source, param)
  local list = {}
  local function add(node)
    if node.kind == "map" then node = { N.get(N.map(node, ""), "value") } end
    if node.kind == "text" then list[#list + 1] = { N.number(node, param[1]), node } end
    for _, member in ipairs(node) do add(member) end
  end
  for _, place in ipairs(places_of(doc, slice, source, param)) do add(place[1]) end
  if #list == 0 then list[1] = { param[2], source.node } end
  return list
end

--- What two parameters of a model must not be together.
function P.check_pair(doc, slice, source, first, second)
  for _, a in ipairs(numbers_of(doc, slice, source, first)) do
    for _, b in ipairs(numbers_of(doc, slice, source, second)) do
      local wrong = doc.method.check(a[1], b[1])
      if wrong then N.refuse(a[2], "%s", wrong) end
    end
  end
end

--- The text of a parameter's value in a recipe: a number, or setting{...}; and the key that it stands at. `layers`: those that filters see.
function P.setting(doc, slice, source, param, layers)
  local texts, every, first = {}, false, nil
  of_files = doc.files
  for _, place in ipairs(places_of(doc, slice, source, param)) do
    local text, all = place_text(place[1], param)
    texts[#texts + 1], first, every = text, first or place[2], all
    if all then break end
  end
  if #texts == 0 and param[2] == nil then return (missing(doc, slice, source, param)) end
  if #texts == 0 then return tostring(param[2]), nil end
  local low, high = 0, 1
  if param.share then
    for _, place in ipairs(places_of(doc, slice, source, param)) do low, high = bounds(place[1], param, low, high) end
  end
  if #texts == 1 and tonumber(texts[1]) then
    local number = tonumber(texts[1])
    return param.share and number < 0 and "0" or param.share and number > 1 and "1" or texts[1], first
  end
  local options = { ("of = %q"):format(param[1]) }
  if not every and param[2] ~= nil then options[#options + 1] = ("default = %s"):format(param[3] == "truth" and (param[2] and 1 or 0) or param[2]) end
  if layers then options[#options + 1] = ("layers = { %d, %d }"):format(layers[1], layers[2]) end
  local outside = low < 0 or high > 1
  return ("setting { %s, %s }%s"):format(table.concat(options, ", "), table.concat(texts, ", "), outside and ":clamp(0, 1)" or ""), first
end

--- The node of a truth value or a whole number, where one is for all tensors: a list of files has its first value alone, one of equal
-- texts that value. The second result is the place that it is read from.
local function one_value(doc, slice, param)
  local node = places_of(doc, slice, nil, param)[1][1]
  if node.kind == "text" then return node end
  local first, same = node.kind == "list" and node[1], true
  if not first or first.kind ~= "text" then return nil, node end
  for _, member in ipairs(node) do same = same and member.kind == "text" and member.text == first.text end
  return (same or doc.files) and first or nil, node
end

--- Whether a truth value is another for other tensors, by filters or over depth; or a whole number, by filters.
function P.varies(doc, slice, param)
  return param[3] and #places_of(doc, slice, nil, param) > 0 and not one_value(doc, slice, param)
end

--- What a value that varies may be: "true", "false", or the whole numbers of all its filters and its default.
function P.choices(doc, slice, param)
  if param[3] == "truth" then return { "true", "false" } end
  local choices, known = {}, {}
  local function add(value, node)
    if value ~= math.floor(value) then N.refuse(node, "'%s' is a whole number, not %s", param[1], N.shown(node)) end
    local text = ("%.17g"):format(value)
    if not known[text] then choices[#choices + 1] = text end
    known[text] = true
  end
  for _, place in ipairs(places_of(doc, slice, nil, param)) do
    for _, entry in ipairs(place[1].kind == "map" and { place[1] } or place[1]) do
      local value = entry.kind == "map" and N.get(N.map(entry, ""), "value") or entry
      if value.kind == "list" and (#value == 1 or doc.files) then value = value[1] or value end
      if entry.kind ~= "map" or value.kind ~= "text" then
        return (N.refuse(value, "'%s' is a whole number: it has filters, but is not mixed over depth", param[1]))
      end
      add(N.number(value, param[1]), value)
    end
    if place[1].kind == "text" then add(N.number(place[1], param[1]), place[1]) end
  end
  add(param[2])
  return choices
end

--- A truth value or a whole number: one for all tensors, or what `slice.fixed` says where P.varies.
function P.constant(doc, slice, param)
  if slice.fixed and slice.fixed[param[1]] then return slice.fixed[param[1]], nil end
  if #places_of(doc, slice, nil, param) == 0 then return tostring(param[2]), nil end
  local node = one_value(doc, slice, param)
  if param[3] == "truth" then return tostring(N.truth(node, param[1])), node end
  local value = N.number(node, param[1])
  if param[3] == "whole" and value ~= math.floor(value) then N.refuse(node, "'%s' is a whole number, not %s", param[1], N.shown(node)) end
  return ("%.17g"):format(value), node
end

return P
