--- layout.lua: models of another layout: which layers a model has and in which order, what it holds beside them, and what is
-- known of a tensor before anything is read. All of it is planning: nothing here is computed when the merge runs.
--
-- For example, of a model with the layers 0 to 3 and an embedding, m:layers(2, 4) has the tensors of layers 2 and 3 under the
-- names of layers 0 and 1, and the embedding.
local core = ...
local V, depth = core.module("value"), core.module("depth")
local W = core.module("word")
local word, data, kind, fail = W.word, V.data, V.kind, V.fail
local L = {}

local function refuse(text, ...) return (core.fail("input", text:format(...))) end

local function called(private) return private.label or "this model" end

-- ---- the stacks of a model ----

local stacks_of = setmetatable({}, { __mode = "k" })

--- The stacks of a model: by name { depth =, layers = { [layer] = { {name, rest}, ... } } }, their names in `order`; and the names of
--- no layer. Tensors that are only kept are in it too.
local function read(private)
  local found = stacks_of[private]
  if found then return found end
  found = { order = {}, outside = {}, stacks = {} }
  local function see(name)
    local stack, layer, rest = depth.layer_of(name)
    if not stack then found.outside[#found.outside + 1] = name return end
    local own = found.stacks[stack]
    if not own then
      own = { depth = 0, layers = {} }
      found.stacks[stack], found.order[#found.order + 1] = own, stack
    end
    own.depth = math.max(own.depth, layer + 1)
    own.layers[layer] = own.layers[layer] or {}
    table.insert(own.layers[layer], { name, rest })
  end
  for _, name in ipairs(private.names) do see(name) end
  for _, name in ipairs(V.kept_names(private)) do see(name) end
  table.sort(found.order)
  stacks_of[private] = found
  return found
end

--- The stack called `of`, or the only one, or the only one beside those of multi-token prediction.
local function stack_of(private, of, form)
  local found = read(private)
  if of ~= nil then
    if type(of) ~= "string" then return (fail("'of' is the name of a stack of layers, such as \"model.layers\", not %s", V.called(of))) end
    if found.stacks[of] then return of, found.stacks[of] end
    return (refuse("%s has no stack of layers '%s'%s", called(private), core.shown(of),
      #found.order > 0 and ("; it has '%s'"):format(core.shown(table.concat(found.order, "', '"))) or ""))
  end
  if #found.order == 0 then return (refuse("%s has no layers: none of its tensors is called such as 'model.layers.0.NAME'", called(private))) end
  local names = {}
  for _, name in ipairs(found.order) do
    if not core.predicts(name) then names[#names + 1] = name end
  end
  if #found.order == 1 then names = found.order end
  if #names ~= 1 then
    return (refuse("%s has several stacks of layers, '%s': say which, as in %s", called(private), core.shown(table.concat(found.order, "', '")),
      form:format(found.order[1])))
  end
  return names[1], found.stacks[names[1]]
end

local function whole(x, what)
  if math.type(x) == "float" and x == math.floor(x) then x = math.floor(x) end
  return math.type(x) == "integer" and x or fail("%s is a whole number, not %s", what, type(x) == "number" and tostring(x) or V.called(x))
end

--- Layer `number` of a stack, where a negative one counts from the end: -1 is the last one.
local function layer_at(private, stack, number)
  number = whole(number, "a layer")
  local layer = number < 0 and stack.depth + number or number
  if layer < 0 or layer >= stack.depth then
    return (refuse("%s has no layer %d: it has %d, 0 to %d", called(private), number, stack.depth, stack.depth - 1))
  end
  return layer
end

--- The layers first .. last - 1. `complain` raises where there are none such.
local function range(private, stack, first, last, complain)
  first, last = whole(first, "a layer"), last == nil and stack.depth or whole(last, "the end of the layers")
  local from, to = first < 0 and stack.depth + first or first, last < 0 and stack.depth + last or last
  if from < 0 or from >= stack.depth or to > stack.depth then
    complain("%s has no layers %d to %d: it has %d, 0 to %d; a range ends before its second number", called(private), first, last,
      stack.depth, stack.depth - 1)
  end
  if to <= from then complain("layers %d to %d of %s are none: a range ends before its second number", first, last, called(private)) end
  local list = {}
  for layer = from, to - 1 do list[#list + 1] = layer end
  return list
end

-- ---- models that are put together ----

--- A model that is made tensor by tensor, with an error where two would have one name.
local function builder(like)
  local names, nodes, kept, origin = {}, {}, {}, {}
  local b = {}
  function b.add(private, name, new)
    if origin[new] then return (refuse("two tensors would be called '%s': '%s' and '%s'", core.shown(new), core.shown(origin[new]), core.shown(name))) end
    origin[new] = name
    if private.nodes[name] ~= nil then names[#names + 1], nodes[new] = new, private.nodes[name]
    else kept[new] = private.kept[name] end
  end
  function b.done(label)
    table.sort(names)
    depth.see(names)
    return (V.model(names, nodes, label, { kept = kept, laid_out = true, config = like.config, measured = names }))
  end
  return b
end

--- The layers of a list, as layers `at`, at + 1 ... of a stack of that name.
local function add_layers(b, private, stack, own, list, at)
  for i, layer in ipairs(list) do
    local tensors = own.layers[layer] or refuse("%s has no tensors of layer %d of '%s'", called(private), layer, core.shown(stack))
    for _, entry in ipairs(tensors) do b.add(private, entry[1], ("%s.%d.%s"):format(stack, at + i - 1, entry[2])) end
  end
end

--- What lies outside of the layers of `stack`, where `wanted` says so.
local function add_others(b, private, stack, wanted)
  local found = read(private)
  for _, name in ipairs(found.outside) do if wanted(name) then b.add(private, name, name) end end
  for _, other in ipairs(found.order) do
    for _, tensors in pairs(other ~= stack and found.stacks[other].layers or {}) do
      for _, entry in ipairs(tensors) do if wanted(entry[1]) then b.add(private, entry[1], entry[1]) end end
    end
  end
end

--- Whether a tensor outside of the layers goes with the first of several parts of a stack: other stacks do, and what precedes the layers.
local function is_of_first(name) return depth.layer_of(name) ~= nil or depth.is_before(name) end

--- Which tensors outside of the layers come along.
local besides = {
  all = function() return true end, none = function() return false end,
  before = is_of_first, after = function(name) return not is_of_first(name) end,
}

--- The layers of a list, with all that lies outside of them, or what `beside` says of that.
local function of_layers(private, stack, own, list, beside)
  local b = builder(private)
  local wanted = besides[beside or "all"] or fail("{beside = ...} is \"all\", \"before\", \"after\" or \"none\": what outside of the layers comes along")
  add_layers(b, private, stack, own, list, 0)
  add_others(b, private, stack, wanted)
  return (b.done(private.label))
end

local layers_form = "model:layers(first, end, {of = %q})"

word("model:layers(first[, end, {of=, beside=}])", function(x, first, last, options)
  local private = data(x)
  local listed = kind(first) == "table"
  if listed then
    if options ~= nil then fail("this is written model:layers{0, 1, 5} or model:layers({0, 1, 5}, {of = ...})") end
    last, options = nil, last
  elseif kind(last) == "table" then last, options = nil, last end
  W.check_options(options, { "of", "beside" })
  local stack, own = stack_of(private, options and options.of, layers_form)
  local list = {}
  if not listed then list = range(private, own, first, last, refuse)
  else
    for i, number in ipairs(V.items(first)) do list[i] = layer_at(private, own, number) end
    if #list == 0 then return (fail("layers{} is empty")) end
  end
  return (of_layers(private, stack, own, list, options and options.beside))
end)

--- m:layers(first, last, {of = of}) for what was typed: `complain` names it, `form` is how a stack is typed.
function L.part(x, first, last, complain, of, form)
  local stack, own = stack_of(data(x), of, form or layers_form)
  return (of_layers(data(x), stack, own, range(data(x), own, first, last, complain)))
end

word("model:depth({of=})", function(x, options)
  local _, own = stack_of(data(x), options and options.of, "model:depth{of = %q}")
  return own.depth
end)

--- stack{ m1, m2, ... }: the layers of the models one behind the other. What precedes the layers, and other stacks, is the first
--- model's; what follows is the last one's.
L.stack = word("stack{...}", function(parts)
  if kind(parts) ~= "table" and kind(parts) ~= "list" then return (fail("stack{...} takes models in braces, not %s", V.called(parts))) end
  local items, of = {}, nil
  if kind(parts) == "table" then
    for key, part in pairs(parts) do if key == "of" then of = part else items[key] = part end end
  else items = parts end
  items = V.items(items)
  for i, part in ipairs(items) do items[i] = V.as_model(part) end
  if #items == 0 then return (fail("stack{} is empty")) end
  for i, part in ipairs(items) do if kind(part) ~= "model" then return (fail("part %d of stack{...} is %s, not a model", i, V.called(part))) end end
  local first, last = data(items[1]), data(items[#items])
  local name = stack_of(first, of, "stack{..., of = %q}")
  local b, at, label = builder(first), 0, first.label
  for _, part in ipairs(items) do
    local private = data(part)
    local own_name, own = stack_of(private, of, "stack{..., of = %q}")
    if own_name ~= name then
      return (core.fail("input", ("the layers of %s are called '%s' and those of %s '%s'"):format(called(first), core.shown(name), called(private),
        core.shown(own_name)), ("m:rename('%s.*', '%s.*') makes them one"):format(core.shown(own_name), core.shown(name))))
    end
    add_layers(b, private, name, own, range(private, own, 0, nil, refuse), at)
    at, label = at + own.depth, private.label == label and label or nil
  end
  add_others(b, first, name, is_of_first)
  add_others(b, last, name, function(other) return not is_of_first(other) end)
  return (b.done(label))
end)

-- ---- what is known of models and tensors ----

word("model:names()", function(x) return (V.all_names(data(x))) end)

function V.properties.node.shape(x) return core.shape(x) or fail("a number has no shape") end
function V.properties.node.dtype(x) return core.shape(x) and core.dtype(x) or fail("a number has no dtype") end

-- ---- tensors that no file holds ----

local function filled(value, shape, form)
  if kind(shape) ~= "table" then return (fail("this is written %s, with its dimensions in braces, not %s", form, V.called(shape))) end
  local dims = {}
  for i, size in ipairs(V.items(shape)) do
    dims[i] = whole(size, "a dimension")
    if dims[i] < 0 then return (fail("a dimension is not below zero")) end
  end
  return (core.fill(value, dims))
end

L.zeros = word("zeros{...}", function(shape) return (filled(0, shape, "zeros{rows, columns}")) end)

L.constant = word("constant(value, shape)", function(value, shape)
  if kind(value) ~= "number" and (kind(value) ~= "node" or core.shape(value)) then
    return (fail("constant takes a number first, not %s", V.called(value)))
  end
  return (filled(value, shape, "constant(value, {rows, columns})"))
end)

word("model:zeros()", function(x)
  local private, nodes = data(x), {}
  for _, name in ipairs(private.names) do nodes[name] = core.fill(0, core.shape(private.nodes[name])) end
  return (V.model(private.names, nodes, private.label, private))
end)

W.of_members("layers")
W.of_members("zeros")

return L
