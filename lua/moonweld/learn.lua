--- learn.lua: coefficients that are learned from data. `learn` builds a loss as a graph and hands it out with its settings;
-- training happens outside of Lua, when the merge runs (src/learn), and what `learn` returns stands for its result.
local core = ...
local V, N, A = core.module("value"), core.module("net"), core.module("arch")
local S = core.module("seed")
local word = core.module("word").word
local data, kind, fail = V.data, V.kind, V.fail
local L = {}

-- ---- coefficients ----

--- How many numbers scale a tensor: one a column, or one for a bias or a scalar.
local function width_of(node, class)
  local shape = core.shape(node)
  return (class == "bias" or #shape == 0) and 1 or shape[#shape]
end

local function words_of(list)
  local words = {}
  for _, class in ipairs(kind(list) == "list" and V.items(list) or type(list) == "table" and list or { list }) do
    if class ~= "linear" and class ~= "norm" and class ~= "embedding" then
      return (fail("scope holds 'linear', 'norm', 'embedding', not '%s'", core.shown(tostring(class))))
    end
    words[class] = true
  end
  return words
end

--- Whether a tensor's coefficients are learned: function(name), by {scope = words} or {only = glob}.
local function chooser(options)
  local scope, only = options and options.scope, options and options.only
  if only ~= nil then core.module("field").check_glob(only) end
  local words = scope ~= nil and words_of(scope)
  return function(name, class)
    if words and not words[class == "bias" and "linear" or class] then return false end
    return only == nil or core.glob(only, name)
  end
end

local function class_of(architecture, name)
  if architecture then return (A.class_of(architecture, name)) end
  return name:find("%.bias$") and "bias" or "linear"
end

--- The coefficients of one model: `width(name, node, class)` numbers a tensor; what is left out keeps `init`.
local function coefficients(model, init, options, width, shared)
  if kind(model) ~= "model" then return (fail("coefficients are for models, not for %s", V.called(model))) end
  if type(init) ~= "number" or init ~= init or math.abs(init) == math.huge then return (fail("coefficients start at a plain number")) end
  local private, chosen = data(model), chooser(options)
  local architecture = options and options.scope ~= nil and A.find() or nil
  local nodes, fixed, left_out, any = {}, {}, nil, false
  for _, name in ipairs(private.names) do
    local class = class_of(architecture, name)
    if chosen(name, class) then
      nodes[name], any = width(name, private.nodes[name], class), true
    else
      left_out = left_out or core.coefficient(1, init)
      nodes[name], fixed[name] = left_out, true
    end
  end
  if not any then fail("no tensor is left to learn coefficients for") end
  return (V.new("coefficients", { names = private.names, nodes = nodes, fixed = fixed, label = private.label, shared = shared }))
end

local forms = {
  --- One number an input column of a linear layer, a hidden dimension of an embedding, an element of a norm; one a bias.
  columns = function(model, init, options)
    return (coefficients(model, init, options, function(_, node, class) return (core.coefficient(width_of(node, class), init)) end))
  end,
  tensors = function(model, init, options)
    return (coefficients(model, init, options, function() return (core.coefficient(1, init)) end))
  end,
  --- One number an element: masks, such as c:sigmoid() * tau.
  elements = function(model, init, options)
    return (coefficients(model, init, options, function(_, node) return (core.coefficient(node, init)) end))
  end,
  scalars = function(model, init, options)
    local one = core.coefficient(1, init)
    return (coefficients(model, init, options, function() return one end, true))
  end,
}
for name, form in pairs(forms) do
  local written = name .. "(init, {scope=, only=})"
  word("model:" .. written, form)
  word("list:" .. written, function(list, init, options)
    local items = {}
    for i, model in ipairs(data(list).items) do items[i] = form(model, init, options) end
    return (V.list(items))
  end)
end

V.meta_of "coefficients"
V.meta_of "data"

--- A coefficient times a tensor: a number for all of it, one a column, or one an element.
local function scale(c, tensor)
  if type(c) == "number" or not core.is_tensor(c) then return (core.apply("mul", c, tensor)) end
  if core.elements(c) == 1 then return (core.apply("mul", core.apply("total", c), tensor)) end
  if #core.shape(c) > 1 then return (core.apply("mul", c, tensor)) end
  return (core.apply("columns", tensor, core.apply("vector", c)))
end

--- Element by element among coefficients; with a model they can only be multiplied, and scale it. For V.lift.
function V.lift_coefficients(f, args, n, model)
  local first
  for k = 1, n do
    local private = data(args[k])
    if private and private.kind == "coefficients" then first = first or private end
  end
  if model then
    if f ~= V.op "mul" then return (fail("coefficients multiply a model; nothing else is done between the two")) end
    local nodes, c = {}, first
    for _, name in ipairs(model.names) do
      if c.nodes[name] == nil then return (fail("there is no coefficient for tensor '%s'", core.shown(name))) end
      nodes[name] = scale(c.nodes[name], model.nodes[name])
    end
    return (V.model(model.names, nodes, nil, model))
  end
  local nodes = {}
  for _, name in ipairs(first.names) do
    local inner = {}
    for k = 1, n do
      local private = data(args[k])
      local lookup = private and (private.kind == "coefficients" and private.nodes or private.at) -- or a field's function
      if type(lookup) == "function" then inner[k] = lookup(name, first.names) elseif lookup then inner[k] = lookup[name] else inner[k] = args[k] end
      if inner[k] == nil then return (fail("these coefficients belong to different models")) end
    end
    nodes[name] = f(table.unpack(inner, 1, n))
  end
  return (V.new("coefficients", { names = first.names, nodes = nodes, fixed = first.fixed, label = first.label }))
end

--- Of coefficients each list member's share: exp(c_i) / sum_k exp(c_k). Of anything else that of every member.
word("list:softmax({per=, of=})", function(list, options)
  local items = data(list).items
  if kind(items[1]) ~= "coefficients" then return (V.methods.softmax(list, options)) end
  if options then return (fail("softmax over experts has no 'per': it is number by number")) end
  return (V.shares(list))
end)

--- What is learned of a list (or of one model's coefficients): every different node once, by rows of one tensor each.
local function rows_of(c)
  local members = kind(c) == "list" and data(c).items or { c }
  local rows, seen = {}, {}
  for _, member in ipairs(members) do
    if kind(member) ~= "coefficients" then return (fail("coefficients are needed here, not %s", V.called(member))) end
  end
  for _, name in ipairs(members[1] and data(members[1]).names or {}) do
    local row, ids = {}, {}
    for i, member in ipairs(members) do
      row[i] = data(member).nodes[name]
      if row[i] == nil then return (fail("these coefficients belong to different models")) end
      ids[i] = core.id(row[i])
    end
    local key = table.concat(ids, " ")
    if not data(members[1]).fixed[name] and not seen[key] then rows[#rows + 1], seen[key] = row, true end
  end
  return rows
end

local function norm_of(x) return (core.apply("sqrt", core.apply("dot", x, x))) end

--- The sum over tensors of the mean cosine of all pairs of experts. A single number has no direction and counts as 0.
L.cosine_penalty = word("cosine_penalty(c)", function(c)
  local total = 0
  for _, row in ipairs(rows_of(c)) do
    local count = #row * (#row - 1) // 2
    if count > 0 and core.is_tensor(row[1]) and core.elements(row[1]) > 1 then
      local sum = 0
      for i = 1, #row do
        for j = i + 1, #row do
          local lengths = core.apply("mul", norm_of(row[i]), norm_of(row[j]))
          sum = core.apply("add", sum, core.apply("ratio", core.apply("dot", row[i], row[j]), lengths))
        end
      end
      total = core.apply("add", total, core.apply("div", sum, count))
    end
  end
  return total
end)

--- Sums over experts and tensors of ||c||_1 and ||c||_2.
local function norm_sum(norm)
  return function(c)
    local total, seen = 0, {}
    for _, row in ipairs(rows_of(c)) do
      for _, node in ipairs(row) do
        local id = core.id(node)
        if not seen[id] then total, seen[id] = core.apply("add", total, norm(node)), true end
      end
    end
    return total
  end
end
local function absolute(node)
  if not core.is_tensor(node) then return (core.apply("abs", node)) end
  return (core.apply("total", core.apply("abs", node)))
end
for name, norm in pairs { l1 = absolute, l2 = norm_of } do
  word("list:" .. name .. "()", norm_sum(norm))
  word("coefficients:" .. name .. "()", norm_sum(norm))
end

-- ---- learn ----

--- The data of --data: how many files, and what their windows are, is all that a recipe knows of them.
function L.data()
  local items, sets = {}, {}
  for i, set in ipairs(core.data or {}) do items[i], sets[i] = set.name, i end
  return (V.new("data", { items = items, sets = sets }))
end

--- One file of them: data[i].
function V.data_at(private, i)
  local set = private.sets[i]
  if set == nil then return (fail("there is no data[%s]: --data gives %d file%s", tostring(i), #private.sets, #private.sets == 1 and "" or "s")) end
  return (V.new("data", { items = set and { private.items[i] } or {}, sets = { set } }))
end

local form = 'prompts{ "a text", "another" }'

--- The texts of one list, as a data set: its number in core.data.
local function read_prompts(texts)
  for i, text in ipairs(texts) do
    if type(text) ~= "string" then return (fail("this is written %s: member %d is %s", form, i, V.called(text))) end
  end
  local index, windows, length, tokens = core.prompts(texts)
  core.data[index] = core.data[index] or { name = "prompts", windows = windows, length = length, tokens = tokens }
  return index
end

--- prompts{ text, ... }: texts as data, each one window, whole, behind the donor's BOS token. Of lists of texts, as of so many files; an
--- empty list among them is a file with nothing in it: #data[i] == 0.
L.prompts = word("prompts(texts)", function(texts)
  if kind(texts) ~= "table" or #texts == 0 then return (fail("this is written %s, not with %s", form, V.called(texts))) end
  if not core.data then return (fail("prompts are read when the recipe runs: within its function(a)")) end
  local lists, items, sets = kind(texts[1]) == "table" and texts or { texts }, {}, {}
  for i, list in ipairs(lists) do
    if kind(list) ~= "table" then return (fail("prompts takes texts or lists of texts, not both: member %d is %s", i, V.called(list))) end
    items[i], sets[i] = "prompts", #list > 0 and read_prompts(list)
  end
  return (V.new("data", { items = items, sets = sets }))
end)

--- A symbolic batch of `windows` windows of file `i`.
local function batch_of(i, set, windows)
  if not set or set.length < 1 then return (fail("learn predicts each token of a window from those before, and these prompts have one token or none")) end
  return (V.new("batch", { tokens = core.tokens(i - 1, windows, set.length), length = set.length }))
end

local function batches(windows, sets)
  local items = {}
  for k, i in ipairs(sets) do items[k] = batch_of(i, core.data[i], windows) end
  return (V.list(items))
end
V.meta_of "batch"

--- Applies `change(node, name, label)` to everything that is learned of `start`: coefficients, a list or a table of them.
local function rebuild(start, change)
  local what = kind(start)
  if what == "coefficients" then
    local private, nodes, made = data(start), {}, {}
    for _, name in ipairs(private.names) do
      local node = private.nodes[name]
      if private.fixed[name] then nodes[name] = node
      else
        local id = core.id(node)
        made[id] = made[id] or change(node, private.shared and "" or name, private.label or "model")
        nodes[name] = made[id]
      end
    end
    return (V.new("coefficients", { names = private.names, nodes = nodes, fixed = private.fixed, label = private.label }))
  end
  if what == "list" then
    local items = {}
    for i, item in ipairs(data(start).items) do items[i] = rebuild(item, change) end
    return (V.list(items))
  end
  return (fail("learn's 'start' is coefficients, such as experts:columns(1 / #experts), not %s", V.called(start)))
end

local known = { start = true, loss = true, steps = true, rate = true, windows = true, seed = true, data = true, optimizer = true,
  share = true, decay = true, clip = true }

local function within(spec, key, default, low, high)
  local value = spec[key]
  if value == nil then value = default end
  if type(value) ~= "number" or not (value >= low and value <= high) then
    return (fail("learn's '%s' = %s is outside [%g, %g]", key, value ~= value and "nan" or core.shown(tostring(value)), low, high))
  end
  return value
end

local function scalar_loss(spec, c, windows)
  V.learning = true
  local loss = spec.loss(c, batches(windows, data(spec.data).sets))
  V.learning = nil
  if kind(loss) == "number" then return (fail("learn's loss is the number %s, whatever the coefficients are", tostring(loss))) end
  if kind(loss) ~= "node" then return (fail("learn's loss gives %s, not a number", V.called(loss))) end
  local shape = core.shape(loss)
  if shape then return (fail("learn's loss is one number, not a tensor [%s]; kl, cross_entropy and :mean() give numbers", table.concat(shape, ","))) end
  return loss
end

--- Coefficients that make `loss` small on the data: see recipes/README.md. Changes nothing that it is given.
L.learn = word("learn{...}", function(spec)
  if type(spec) ~= "table" or kind(spec) ~= "table" then return (fail("learn takes its settings in braces: learn{ start =, loss =, ... }")) end
  if V.learning then return (fail("learn cannot be called within a loss")) end
  for key in pairs(spec) do
    if not known[key] then fail("learn has no '%s'%s", core.shown(tostring(key)), core.module("suggest").key(tostring(key), known)) end
  end
  local steps = N.whole(spec.steps, "learn's 'steps'", 0, 1000000)
  local windows = N.whole(spec.windows or 1, "learn's 'windows'", 1, 1024)
  if type(spec.loss) ~= "function" then return (fail("learn's 'loss' is a function(c, batch), not %s", V.called(spec.loss))) end
  if kind(spec.data) ~= "data" then return (fail("learn's 'data' is what arg.calibration() gives, not %s", V.called(spec.data))) end
  if steps > 0 and #data(spec.data).items == 0 then return (core.fail("usage", "this recipe learns from data: --data FILE... is needed")) end
  if spec.seed ~= nil and kind(spec.seed) ~= "seed" then return (fail("learn's 'seed' is a seed, not %s", V.called(spec.seed))) end
  local optimizer = spec.optimizer or "adamw"
  if optimizer ~= "adamw" and optimizer ~= "mofo" then return (fail("learn's optimizer is 'adamw' or 'mofo', not '%s'", core.shown(tostring(optimizer)))) end
  local record = { coefficients = {}, steps = steps, windows = windows, rate = within(spec, "rate", 1e-3, 0, 1e3),
    decay = within(spec, "decay", 0, 0, 1e3), clip = within(spec, "clip", 0, 0, 1e9),
    share = optimizer == "mofo" and within(spec, "share", 0.3, 0, 1) or 1, seed = data(spec.seed or S.root()).key }
  if steps > 0 then record.loss = scalar_loss(spec, spec.start, windows) end
  rebuild(spec.start, function(node, name, label)
    record.coefficients[#record.coefficients + 1] = { node, name, label }
    return node
  end)
  local number = core.learn(record)
  return (rebuild(spec.start, function(node) return (core.learned(node, number)) end))
end)

--- The mean cross-entropy of a model on each file: what `moonweld eval` and --score loss:FILE run.
function L.losses(model)
  local losses = {}
  for i, set in ipairs(core.data) do
    local batch = batch_of(i, set, math.max(1, math.min(set.windows, 512 // set.length))) -- rows enough for all threads
    losses[i] = N.cross_entropy(A.logits(model, batch), batch)
  end
  return losses
end

return L
