--- group.lua: numbers of a layer, of all numbers of a model, and of each pair of a list.
local core = ...
local V = core.module("value")
local word = core.module("word").word
local fail, kind, data, methods = V.fail, V.kind, V.data, V.methods
local G = {}

-- ---- layers ----

V.meta_of "layered"

--- The layer of a tensor as a text; tensors of no layer are one group.
local function layer_of(name)
  local stack, layer = core.layer_of(name)
  return stack and stack .. "." .. layer or ""
end

--- The model in layers, each one vector: reductions of it give a number for each layer, which goes with the tensors of that layer.
word("x:by_layer()", function(x)
  if kind(x) == "list" then
    local items = {}
    for i, item in ipairs(data(x).items) do items[i] = methods.by_layer(item) end
    return (V.list(items))
  end
  if kind(x) ~= "model" then return (fail("by_layer() takes a model, not %s", V.called(x))) end
  local groups, firsts = {}, {}
  for _, name in ipairs(data(x).names) do
    local layer = layer_of(name)
    local group = groups[layer] or { list = {}, elements = 0 }
    if not groups[layer] then firsts[#firsts + 1] = name end
    groups[layer] = group
    group.list[#group.list + 1] = data(x).nodes[name]
    group.elements = group.elements + core.elements(data(x).nodes[name])
  end
  for layer, group in pairs(groups) do groups[layer] = V.new("flat", group) end
  return (V.new("layered", { groups = groups, firsts = firsts }))
end)

--- f of each layer of x, and of y or with the number y: a field, which a tensor reads by its name. It knows a name of each layer.
function G.of_layers(f, x, ...)
  local others, known = { ... }, {}
  return (V.new("field", { layers = data(x).firsts, at = function(name)
    local layer = layer_of(name)
    local group = data(x).groups[layer] or fail("by_layer(): there is no layer of tensor '%s'", core.shown(name))
    local inner = {}
    for i, other in ipairs(others) do inner[i] = kind(other) == "layered" and data(other).groups[layer] or other end
    known[layer] = known[layer] or V.lift(f, group, table.unpack(inner))
    return known[layer]
  end }))
end

-- ---- all numbers of a model ----

--- The numbers of a model of numbers, or of a field the one of each layer.
local function each_number(x)
  local numbers, wanted = {}, "across(...) takes a model of numbers, such as x:norm(), or a number of each layer, such as x:by_layer():norm()"
  if kind(x) == "field" and data(x).layers then
    for i, name in ipairs(data(x).layers) do numbers[i] = data(x).at(name) end
    return numbers
  end
  if kind(x) ~= "model" then return (fail("%s; this is %s", wanted, V.called(x))) end
  for i, name in ipairs(data(x).names) do
    numbers[i] = data(x).nodes[name]
    if type(numbers[i]) ~= "number" and core.is_tensor(numbers[i]) then return (fail("%s; '%s' is a tensor", wanted, core.shown(name))) end
  end
  return numbers
end

local function folded(name)
  return function(numbers)
    local result = numbers[1]
    for i = 2, #numbers do result = V.op(name)(result, numbers[i]) end
    return result
  end
end
local function of_list(name) return function(numbers) return (core.module("ops")[name](V.list(numbers))) end end
local total = folded "add"
local ways = { total = total, max = folded "max", min = folded "min", mean = function(numbers) return (V.op "div" (total(numbers), #numbers)) end,
  median = of_list "median", var = of_list "var", std = of_list "std" }

--- One number of a model of numbers: x:norm():across("total"). Of numbers of layers each counts once; tensors of no layer are one more.
word("x:across(how)", function(x, how)
  if kind(x) == "list" then
    local items = {}
    for i, item in ipairs(data(x).items) do items[i] = methods.across(item, how) end
    return (V.list(items))
  end
  local way = ways[how] or fail("across(...) takes \"total\", \"mean\", \"max\", \"min\", \"median\", \"var\" or \"std\", not %s", type(how) == "string" and core.shown(how) or V.called(how))
  local numbers = each_number(x)
  return numbers[1] and way(numbers) or 0
end)

-- ---- pairs of a list ----

--- The inner products of all pairs, as a list of rows: dots(l)[i][j] is l[i]:dot(l[j]), of models one a tensor, of l:flat() one.
G.dots = word("dots(list)", function(list)
  local items, rows = V.items(list), {}
  for i, x in ipairs(items) do
    rows[i] = {}
    for j = 1, #items do rows[i][j] = j < i and rows[j][i] or methods.dot(x, items[j]) end
  end
  for i, row in ipairs(rows) do rows[i] = V.list(row) end
  return (V.list(rows))
end)

return G
