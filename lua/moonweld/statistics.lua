--- statistics.lua: what is found from data before a merge (src/learn/statistics.h): Gram matrices and moments of what layers read, and
-- gradients. As a part of a recipe each is a tensor like those of a model. Of several files it is the mean over all their tokens, or
-- over all their windows.
local core = ...
local V, N, A = core.module("value"), core.module("net"), core.module("arch")
local word = core.module("word").word
local data, kind, fail = V.data, V.kind, V.fail
local S = {}

V.meta_of "activations"

-- ---- data ----

--- The files of a data set: { { index, facts, share of the tokens, share of the windows } ... }
local function sets_of(given, what)
  if kind(given) ~= "data" then return (fail("%s takes data as arg.calibration() gives it, such as a.data or a.data[1], not %s", what, V.called(given))) end
  local sets, tokens, windows = {}, 0, 0
  for _, i in ipairs(data(given).sets) do
    local facts = core.data[i]
    if facts then sets[#sets + 1] = { index = i, facts = facts } end
    tokens, windows = tokens + (facts and facts.tokens or 0), windows + (facts and facts.windows or 0)
  end
  if #sets == 0 and #data(given).sets > 0 then return (fail("%s looks at prompts, and these are an empty list", what)) end
  if #sets == 0 then return (core.fail("usage", "this recipe looks at data: --data FILE... is needed")) end
  for _, set in ipairs(sets) do set.tokens, set.windows = set.facts.tokens / tokens, set.facts.windows / windows end
  sets.all_tokens, sets.all_windows = tokens, windows
  return sets
end

--- A batch of a file: all ids of some windows, or one window of which the last id is only predicted.
local function batch_of(set, predicts)
  local length = set.facts.length + (predicts and 0 or 1)
  local windows = predicts and 1 or math.max(1, math.min(set.facts.windows, 1024 // length)) -- rows enough for all threads
  return (V.new("batch", { tokens = core.tokens(set.index - 1, windows, length), length = length }))
end

local function model_of(model, what)
  if kind(model) ~= "model" then return (fail("%s takes a model, not %s", what, V.called(model))) end
  if V.learning then return (fail("%s cannot be found within a loss", what)) end
  return model
end

--- sum of share * f(set) over the files: a tensor.
local function mean_over(sets, share, f)
  local total
  for _, set in ipairs(sets) do
    local part = core.apply("mul", set[share], f(set))
    total = total and core.apply("add", total, part) or part
  end
  return total
end

local function sorted(nodes)
  local names = {}
  for name in pairs(nodes) do names[#names + 1] = name end
  table.sort(names)
  return names
end

-- ---- what layers read ----

--- What each linear layer of a model reads, by the name of its weight; { index of file = activation }. A table that is looked up, too,
--- such as an embedding that is also the head, is no linear layer.
local function read_by_layers(model, sets, forward)
  local at, looked_up, name_of = {}, {}, {}
  for _, name in ipairs(data(model).names) do name_of[core.id(data(model).nodes[name])] = name end
  for _, set in ipairs(sets) do
    N.watch = {
      linear = function(x, weight)
        local name = kind(weight) == "node" and name_of[core.id(weight)]
        if name then
          at[name] = at[name] or {}
          if at[name][set.index] then fail("tensor '%s' is read by two linear layers", core.shown(name)) end
          at[name][set.index] = x
        end
      end,
      embedding = function(table) if kind(table) == "node" then looked_up[core.id(table)] = true end end,
    }
    A.run(model, batch_of(set), forward)
    N.watch = nil
  end
  for name in pairs(at) do if looked_up[core.id(data(model).nodes[name])] then at[name] = nil end end
  return at
end

--- gram(model, data): for each linear layer X'X / tokens, [in, in], under the name of its weight.
S.gram = word("gram(model, data, {forward=})", function(model, given, options)
  local sets, nodes = sets_of(given, "gram"), {}
  for name, at in pairs(read_by_layers(model_of(model, "gram"), sets, options and options.forward)) do
    nodes[name] = mean_over(sets, "tokens", function(set) return (core.net("gram", { at[set.index] }, 0, 0)) end)
  end
  return (V.model(sorted(nodes), nodes))
end)

local function activations(sets, names, at) return (V.new("activations", { sets = sets, names = names, at = at })) end

--- inputs(model, data): what each linear layer reads; it is not stored, so something must be found of it: :norm{per = "column"} ...
S.inputs = word("inputs(model, data, {forward=})", function(model, given, options)
  local sets = sets_of(given, "inputs")
  local at = read_by_layers(model_of(model, "inputs"), sets, options and options.forward)
  return (activations(sets, sorted(at), at))
end)

--- hidden(model, data): a list: what each layer reads.
S.hidden = word("hidden(model, data, {forward=})", function(model, given, options)
  local sets, layers = sets_of(given, "hidden"), {}
  for _, set in ipairs(sets) do
    A.run(model_of(model, "hidden"), batch_of(set), options and options.forward, function(layer, x)
      layers[layer + 1] = layers[layer + 1] or {}
      layers[layer + 1][set.index] = x
    end)
  end
  if #layers == 0 then return (fail("the forward pass does not tell what its layers read: config.enter(layer, x)")) end
  for i, at in ipairs(layers) do layers[i] = activations(sets, nil, { [""] = at }) end
  return (V.list(layers))
end)

-- ---- what is found of activations ----

--- f(at) of what each layer reads: a model, or of hidden states a tensor.
local function each(x, f)
  local private = data(x)
  if not private.names then return (f(private.at[""])) end
  local nodes = {}
  for _, name in ipairs(private.names) do nodes[name] = f(private.at[name]) end
  return (V.model(private.names, nodes))
end

--- Where something is found, as MOMENT knows it: at all tokens, at each window's last one, or each window's mean (of means alone).
local function axis(options, mean)
  if not options or options.per ~= "column" then return (fail("of activations something is found for each column: {per = \"column\"}")) end
  if options.at == "each" and mean then return 2 end
  if options.at ~= nil and options.at ~= "last" then
    return (fail("'at' is \"last\", each window's last token%s, not %s", mean and ", or \"each\", each window's mean" or "", V.called(options.at)))
  end
  return options.at and 1 or 0
end

local function square(x) return (V.op "mul"(x, x)) end
local function same(x) return x end

--- The mean over tokens of f(x), for each column.
local function mean_of(x, options, f, mean)
  local place, sets = axis(options, mean), data(x).sets
  return function(at)
    return (mean_over(sets, place > 0 and "windows" or "tokens", function(set) return (core.net("moment", { f(at[set.index]) }, 0, place)) end))
  end
end

--- How many tokens a mean is of.
local function tokens_of(x, options) return axis(options) > 0 and data(x).sets.all_windows or data(x).sets.all_tokens end

local function variance(x, options)
  local mean, squares = mean_of(x, options, same), mean_of(x, options, square)
  return function(at)
    local m = mean(at)
    return (core.apply("max", core.apply("sub", squares(at), core.apply("mul", m, m)), 0))
  end
end

local found = {
  mean  = function(x, options) return (mean_of(x, options, same, true)) end,
  total = function(x, options)
    local mean = mean_of(x, options, same)
    return function(at) return (core.apply("mul", tokens_of(x, options), mean(at))) end
  end,
  norm  = function(x, options)
    local squares = mean_of(x, options, square)
    return function(at) return (core.apply("sqrt", core.apply("mul", tokens_of(x, options), squares(at)))) end
  end,
  var   = variance,
  std   = function(x, options)
    local var = variance(x, options)
    return function(at) return (core.apply("sqrt", var(at))) end
  end,
  peak  = function(x, options)
    local last = axis(options)
    return function(at)
      local most
      for _, set in ipairs(data(x).sets) do
        local own = core.net("moment", { at[set.index] }, 1, last)
        most = most and core.apply("max", most, own) or own
      end
      return most
    end
  end,
}
for name, f in pairs(found) do
  word("activations:" .. name .. "({per=, at=})", function(x, options) return (each(x, f(x, options))) end)
end

local map_form = "activations:map(function(x) ... end)"
word(map_form, function(x, f)
  if type(f) ~= "function" then return (fail("this is written %s, with a function, not %s", map_form, V.called(f))) end
  local private, all = data(x), {}
  for name, at in pairs(private.at) do
    all[name] = {}
    for set, node in pairs(at) do
      local made = f(node)
      if kind(made) ~= "node" or not V.batch_of[made] then return (fail("map's function gave %s, not something made of the activation", V.called(made))) end
      all[name][set] = made
    end
  end
  return (activations(private.sets, private.names, all))
end)

-- ---- gradients ----

--- A model of gradients (op: "gradient", or "fisher" for their squares): mean over windows. loss(batch) tells the loss of a window and
--- the names of the tensors that it depends on.
local function gradients(op, model, sets, loss)
  local parts, nodes = {}, {}
  for _, set in ipairs(sets) do parts[set.index] = { loss(batch_of(set, true)) } end
  local names = parts[sets[1].index][2]
  for name in pairs(names) do
    local tensor = data(model).nodes[name]
    if tensor then
      nodes[name] = mean_over(sets, "windows", function(set) return (core.net(op, { parts[set.index][1], tensor }, 0, 0)) end)
    end
  end
  return (V.model(sorted(nodes), nodes, nil, { kept = data(model).kept }))
end

--- fisher(model, data): the mean square of the gradient of each window's cross-entropy, element by element.
S.fisher = word("fisher(model, data, {forward=})", function(model, given, options)
  local sets = sets_of(given, "fisher")
  return (gradients("fisher", model_of(model, "fisher"), sets, function(batch)
    local logits, names = A.run(model, batch, options and options.forward)
    return N.cross_entropy(logits, batch), names
  end))
end)

--- gradient(loss, model, data): the mean over windows of the gradient of loss(batch), a number that is made of logits(model, batch).
S.gradient = word("gradient(loss, model, data)", function(loss, model, given)
  if type(loss) ~= "function" then return (fail("gradient's loss is a function(batch), not %s", V.called(loss))) end
  local sets = sets_of(given, "gradient")
  data(model_of(model, "gradient")).read = nil
  return (gradients("gradient", model, sets, function(batch)
    local value = loss(batch)
    if kind(value) ~= "node" or core.shape(value) then return (fail("gradient's loss gives %s, not one number", V.called(value))) end
    return value, data(model).read or fail("gradient's loss is made of no logits of the model")
  end))
end)

return S
