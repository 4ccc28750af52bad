--- value.lua: the kinds of values a recipe handles, and lifting: an operation on tensors is one on models (every
-- tensor) and on lists (every member). Values are immutable; their data lie here, out of a recipe's reach.
local core = ...
local V = {}

local data = setmetatable({}, { __mode = "k" })
local methods, metas = {}, {}
V.methods = methods -- of every value; model, models and select add theirs
V.only_for = { model = {}, list = {}, flat = {}, seed = {}, coefficients = {}, data = {}, activations = {} }
V.properties = { model = {}, node = {} } -- what is read by a dot, such as t.shape: functions of the value (layout.lua)
V.unweighed = {} -- tensors that may be results whatever they weigh, by their node (ops.lua)
V.current_name = nil -- of the tensor that a map(f) is at
V.asked_name = nil -- of the tensor for which a number is asked
V.op_of = {} -- the operation of the graph that a function is, by the function (V.op)
V.in_steps = {} -- what a function on tensors is of whole models, where it consists of such operations: by the function
V.of_flat = {} -- what a reduction is of a whole model, by what it is of one tensor (reduce.lua)
V.written = {} -- the comparisons and ".words" of a recipe's lines, by its chunk's name and the line (conditions.lua)
V.batch_of = setmetatable({}, { __mode = "k" }) -- of an activation, by its handle (net.lua)

local function fail(text, ...)
  return (core.fail("data", select("#", ...) > 0 and string.format(text, ...) or text))
end
V.fail = fail

function V.kind(x)
  local private = data[x]
  if private then return private.kind end
  if type(x) == "userdata" then return core.is_node(x) and "node" or "userdata" end
  return (type(x))
end
local kind = V.kind

function V.data(x) return data[x] end

--- What an error calls a value: "a model", "nil".
function V.called(x)
  local what = kind(x)
  if x == nil then return "nil" end
  if what == "node" then return core.is_tensor(x) and "a tensor" or "a lazy scalar" end
  if what == "coefficients" or what == "data" or what == "activations" then return what end
  return (what:find("^[aeiou]") and "an " or "a ") .. what
end
local called = V.called

--- A tensor, and its dimensions; of a vector its values as a tensor of its own shape, [rows, 1] or [1, columns].
function V.whole(x, name)
  if V.kind(x) ~= "node" then return (fail("'%s' needs a tensor, not %s", name, called(x))) end
  local dims = core.shape(x) or fail("'%s' needs a tensor, not a number", name)
  if core.is_vector(x) then return assert(core.values(x)), dims end
  return x, dims
end

local meet = core.module("meet")

--- Whether the recipe that is being run says m.key or m:key(). For Lua these and m["key"] are one; the recipe's text is not.
local function is_dotted(key)
  local place = debug.getinfo(3, "Sl")
  local lines = V.written[place.source]
  return not lines or (lines[place.currentline] or {})["." .. key]
end

--- Of a value: its words, a list's members, a model's tensors by name: where a name is a word too, m["norm"] is the tensor, m:norm()
--- the word.
local function index(x, key)
  local private = data[x]
  local own = private and V.only_for[private.kind]
  local property = (V.properties[private and private.kind or "node"] or {})[key]
  if property and not (private and private.nodes[key]) then return (property(x)) end
  if private and private.kind == "list" and type(key) == "number" then return private.items[key] end
  if private and private.kind == "data" and type(key) == "number" then return (V.data_at(private, key)) end
  local found = own and own[key] or methods[key]
  local tensor = private and private.kind == "model" and private.nodes[key]
  if found and not (tensor and not is_dotted(key)) then return found end
  if tensor then return tensor end
  if type(key) ~= "string" then return (fail("%s is not indexed by %s", called(x), called(key))) end
  local names = private and private.kind == "model" and private.names or {}
  if names[1] and key:find(".", 1, true) then return (own.tensor(x, key)) end
  local words = table.move(names, 1, math.min(#names, 4000), 1, {})
  for name in pairs(methods) do words[#words + 1] = name end
  for name in pairs(own or {}) do words[#words + 1] = name end
  return (fail("%s has no '%s'%s", called(x), core.shown(key), core.module("synonyms").hint(key, words)))
end

local function refuse() return (fail("models, lists and tensors cannot be changed; make a new one")) end

V.lazy = {} -- the words that give a "number" or a "mask" that is known only when the merge runs (ops.lua, reduce.lua)

--- What Lua's `op` does with values. It is also what is called for `other`, turned round; the recipe's text says which it was.
local function comparison(op, other, word, other_word)
  return function()
    local place = debug.getinfo(2, "Sl")
    local seen = (V.written[place.source] or {})[place.currentline] or {}
    if seen[op] == seen[other] then
      fail("'%s' and '%s' can only answer true or false here; use a:%s(b) or a:%s(b), which give masks", op, other, word, other_word)
    end
    return (fail("'%s' can only answer true or false here; use a:%s(b), which gives a mask, and where(mask, x, y)", seen[other] and other or op,
      seen[other] and other_word or word))
  end
end
local computed = { tensor = true, model = true, list = true, field = true, flat = true, coefficients = true } -- what is compared element by element

--- The metatable of a kind; operators are filled in by ops.lua.
local function meta_of(name)
  metas[name] = metas[name] or { __index = index, __newindex = refuse, __metatable = false, __name = name,
    __eq = computed[name] and comparison("==", "~=", "eq", "ne") or nil,
    __lt = comparison("<", ">", "lt", "gt"), __le = comparison("<=", ">=", "le", "ge"), __tostring = function() return name end,
    __len = function(x)
      local private = data[x]
      return private.items and #private.items or fail("only lists have a length")
    end }
  return metas[name]
end
V.meta_of = meta_of

function V.new(name, private)
  local x = setmetatable({}, meta_of(name))
  private.kind = name
  data[x] = private
  return x
end

-- Tensors are userdata made in C; they share the same operators.
do
  local meta = core.node_metatable
  for key, value in pairs(meta_of("tensor")) do meta[key] = value end
  meta.__len = function() return (fail("only lists have a length")) end
  metas.node = meta
end
V.metas = metas


--- The members of a plain table or a list. What is named in a table, or stands behind a nil, would be read by nobody.
function V.items(x)
  if kind(x) == "list" then return data[x].items end
  if kind(x) ~= "table" then return (fail("a list is needed, not %s", called(x))) end
  local copy, known = table.move(x, 1, #x, 1, {}), #x
  for key in pairs(x) do
    if math.type(key) ~= "integer" then fail("a list has members alone, without '%s'", core.shown(tostring(key))) end
    if key < 1 or key > known then fail("member %d of a list stands behind a nil", key) end
  end
  for i = 1, known do if copy[i] == nil then fail("member %d of a list is nil", i) end end
  return copy
end

--- A list from a plain table or a list.
function V.list(x) return kind(x) == "list" and x or V.new("list", { items = V.items(x) }) end

--- A model: names in byte order and the tensor (or lazy scalar) of each. `like`: the data of the model that it comes from:
--- its kept tensors (integers, by name what core.input takes), the model that it is a part of, whether its layout is new,
--- what its config.json is to have (with_config), and the names by which its depth is measured (depth.lua).
--- `stand_in`: with --missing base, what takes the place of a tensor that it lacks, by its name.
function V.model(names, nodes, label, like, stand_in)
  like = like or {}
  return (V.new("model", { names = names, nodes = nodes, label = label, kept = like.kept, part_of = like.part_of, laid_out = like.laid_out,
    config = like.config, measured = like.measured, stand_in = stand_in }))
end

--- A plain table of tensors by name is a model, too; anything else stays what it is.
function V.as_model(x)
  if V.kind(x) ~= "table" then return x end
  local names, nodes = {}, {}
  for name, tensor in pairs(x) do
    if type(name) ~= "string" or name == "" or V.kind(tensor) ~= "node" then return x end
    names[#names + 1], nodes[name] = name, tensor
  end
  table.sort(names)
  return names[1] and V.model(names, nodes, nil, { laid_out = true, kept = {} }) or x
end

--- Names in byte order: of the tensors that a model only keeps, of all its tensors; and a tensor of either kind.
function V.kept_names(private)
  local names = {}
  for name in pairs(private.kept or {}) do names[#names + 1] = name end
  table.sort(names)
  return names
end

function V.tensor_of(private, name)
  local source = (private.kept or {})[name]
  return private.nodes[name] or source and core.input(source[1], source[2])
end

function V.all_names(private)
  local names = V.kept_names(private)
  for _, name in ipairs(private.names) do names[#names + 1] = name end
  if #names > #private.names then table.sort(names) end
  return names
end

--- A field's number for a tensor of this name, in a model whose depth these names measure; anything else as it is.
function V.at(x, name, measured)
  if kind(x) ~= "field" then return x end
  return name and data[x].at(name, measured) or fail("a field is read where the tensor's name is known: for a model, or within model:map")
end

local function lift_list(f, args, n, length)
  local items = {}
  for i = 1, length do
    local inner = {}
    for k = 1, n do
      inner[k] = args[k]
      if kind(args[k]) == "list" then inner[k] = data[args[k]].items[i] end
    end
    items[i] = V.lift(f, table.unpack(inner, 1, n))
  end
  return (V.list(items))
end

--- Of several models the one whose kept tensors are the donor's, else the first; the layout is new where any is. What is
--- computed from one model alone goes by its name.
local function like(models, names)
  local chosen, laid_out, label, config, measured = models[1], false, models[1].label, nil, nil
  for _, model in ipairs(models) do
    if model.names == names or not measured then measured = model.measured or measured end
    if model.kept and model.kept == meet.donor.kept then chosen = model end
    laid_out, config = laid_out or model.laid_out, config or model.config
    if model.label ~= label then label = nil end
  end
  return { kept = chosen.kept, part_of = models[1].part_of, laid_out = laid_out, config = config, measured = measured }, label
end

local places = setmetatable({}, { __mode = "k" })

--- Of every name its place in the list; names are interned (meet.lua), so that most models share theirs.
local function places_of(names)
  if not places[names] then
    places[names] = {}
    for i, name in ipairs(names) do places[names][name] = i end
  end
  return places[names]
end

local blocks = setmetatable({}, { __mode = "k" }) -- of a model's table of nodes, which does not change: it as a block, and its places

--- The same nodes, read by place and not by name, where each of the names has one.
local function by_place(lookup, names)
  if type(lookup) ~= "table" then return lookup end
  local known, own = blocks[lookup], places_of(names)
  if not known then
    known = { block = core.block(own, names, lookup), places = own }
    blocks[lookup] = known
  end
  return known.places == own and known.block or lookup
end

--- f(operands...) for each name, where f is one operation of the graph: all at once, if no lane asks for more.
local function each(f, names, lookups, args, n)
  if not V.op_of[f] or next(V.batch_of) then return end
  local operands = {}
  for k = 1, n do
    operands[k] = lookups[k] or args[k]
    if type(operands[k]) == "function" or type(operands[k]) == "table" and not lookups[k] then return end
    operands[k] = lookups[k] and by_place(lookups[k], names) or args[k]
  end
  return (core.each(V.op_of[f], places_of(names), names, table.unpack(operands, 1, n)))
end

--- The same tensor by tensor; `meeting`: what an error tells.
local function one_by_one(f, names, lookups, args, n, meeting)
  local outer, nodes, operands = V.meeting, {}, {}
  V.meeting = meeting
  for _, name in ipairs(names) do
    meeting.name = name
    for k = 1, n do
      local lookup = lookups[k]
      if lookup == nil then operands[k] = args[k]
      elseif type(lookup) == "function" then operands[k] = lookup(name)
      else operands[k] = lookup[name] end
    end
    nodes[name] = f(table.unpack(operands, 1, n))
  end
  V.meeting = outer
  return nodes
end

local function lift_model(f, args, n)
  local lookups, models, place = {}, {}, {}
  for k = 1, n do
    local private = data[args[k]]
    if private and private.kind == "model" then
      models[#models + 1] = private
      place[k] = #models
    end
  end
  local names, tensors = meet.meet(models)
  local origin, label = like(models, names)
  for k, i in pairs(place) do lookups[k] = tensors[i] end
  for k = 1, n do
    local field = kind(args[k]) == "field" and data[args[k]]
    if field then lookups[k] = function(name) return (field.at(name, origin.measured)) end end
  end
  local nodes = each(f, names, lookups, args, n) or one_by_one(f, names, lookups, args, n, { models = models, tensors = tensors })
  -- The donor's tensor stands in where a model was read, not where something was computed from it: 0.5 * m has 0.5 * donor.
  local function stand_in(name)
    local inner = {}
    for k = 1, n do
      local model = place[k] and models[place[k]]
      inner[k] = model and (model.nodes[name] or model.stand_in(name)) or lookups[k] and lookups[k](name) or args[k]
    end
    return (f(table.unpack(inner, 1, n)))
  end
  return (V.model(names, nodes, label, origin, core.missing_base and meet.all_stand_in(models) and stand_in or nil))
end

--- f over tensors and numbers, applied to whatever the arguments are.
function V.lift(f, ...)
  local args, n = { ... }, select("#", ...)
  local length, model, field, coefficients, flat
  for k = 1, n do
    local private = data[args[k]]
    local what = private and private.kind
    if what == "list" then
      if length and length ~= #private.items then fail("lists of %d and %d members do not pair up", length, #private.items) end
      length = #private.items
    elseif what == "model" then model = model or private
    elseif what == "field" then field = field or { layers = private.layers }
    elseif what == "coefficients" then coefficients = private
    elseif what == "flat" then flat = true
    elseif what then fail("%s cannot be computed with", called(args[k])) end
  end
  if length then return (lift_list(f, args, n, length)) end
  if flat then return ((V.of_flat[f] or fail("a flat model has total, mean, norm, peak, max, min, dot, cosine, quantile and kth_magnitude; compute before :flat()"))(...)) end
  if coefficients then return (V.lift_coefficients(f, args, n, model)) end -- learn.lua
  if model and V.in_steps[f] then return (V.in_steps[f](...)) end
  if model then return (lift_model(f, args, n)) end
  if not field then return (f(...)) end
  local fields = args
  return (V.new("field", { layers = field.layers, at = function(name, measured)
    local inner = {}
    for k = 1, n do inner[k] = kind(fields[k]) == "field" and data[fields[k]].at(name, measured) or fields[k] end
    local outer = V.asked_name
    V.asked_name = name
    local result = f(table.unpack(inner, 1, n))
    V.asked_name = outer
    return result
  end }))
end

--- Why an operation cannot be: where models met, by the shapes of their tensors.
local function refuse_operation(wrong)
  local m = V.meeting
  if m then
    local text, hint = meet.shapes(m.models, m.tensors, m.name)
    if text then return (core.fail("input", text, hint)) end
  end
  return (core.fail("data", wrong))
end

local ops = {}

--- The batch that activations among these belong to, if any does.
local function batch_of(...)
  local batch
  for i = 1, select("#", ...) do
    local own = V.batch_of[(select(i, ...))]
    if own and batch and own ~= batch then fail("outputs of two batches cannot be computed with one another") end
    batch = batch or own
  end
  return batch
end

--- Lua answers == of a tensor and a plain number by itself, with false.
local function refuse_operand(x)
  fail("a tensor or a number is needed here, not %s%s", called(x), type(x) == "boolean" and " -- x == 0 is false for Lua whatever x holds; x:eq(0), x:ne(0) give masks" or "")
end

--- One operation of the graph on tensors and numbers; numbers alone give a number. One function for each name.
function V.op(name)
  ops[name] = ops[name] or function(...)
    local batch = next(V.batch_of) and batch_of(...)
    local result, wrong = core.try(name, ...)
    if math.type(wrong) then refuse_operand((select(wrong, ...))) end
    if wrong then refuse_operation(wrong) end
    if batch then V.batch_of[result] = batch end
    return result
  end
  V.op_of[ops[name]] = name
  return ops[name]
end

return V
