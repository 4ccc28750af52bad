--- adapter.lua: adapter{ A =, B =, alpha =, base = } is a result that is no model but a LoRA, which peft adds to the base: of each weight W
-- of [out, in] that it is to change, factors A [rank, in] and B [out, rank], so that W + alpha / rank * B A is the changed one.
-- A and B are models, or tables of tensors, under the names of the base's weights. For example, of rank 2:
--   adapter{ A = { ["model.layers.0.mlp.up_proj.weight"] = a }, B = { ["model.layers.0.mlp.up_proj.weight"] = b }, alpha = 4 }
-- is written as adapter_model.safetensors with "base_model.model.model.layers.0.mlp.up_proj.lora_A.weight" and "...lora_B.weight", and
-- adapter_config.json with "r": 2, "lora_alpha": 4 and "target_modules": ["up_proj"]. Of a mixture of experts all modules have one rank.
local core = ...
local V, depth, meet = core.module("value"), core.module("depth"), core.module("meet")
local W = core.module("word")
local data, kind, fail = V.data, V.kind, V.fail
local D = {}

local form = "adapter{A = model, B = model, alpha = number, base = model}"

local function need(given, key)
  local model = V.as_model(given[key])
  if kind(model) == "table" and next(model) == nil then fail("adapter{...} changes no tensor: %s is empty", key) end
  if kind(model) ~= "model" then fail("%s of adapter{...} is %s, not a model or a table of tensors", key, V.called(model)) end
  return (data(model))
end

--- The base is the donor: whose name and folder adapter_config.json and the card tell.
local function base_of(given)
  local base = given == nil and meet.donor or kind(given) == "model" and data(given) or fail("base of adapter{...} is %s, not a model", V.called(given))
  if base.where == nil then fail("base of adapter{...} is a model that was computed; an adapter is of one that was given") end
  if base ~= meet.donor then
    fail("base of adapter{...} is %s, but the donor is %s; --donor, or the name 'base' of its argument, makes it the donor", base.label, meet.donor.label)
  end
  return base
end

-- ---- one module ----

-- Modules of these names keep what is [in, out] for others (GPT-2's Conv1D), by the model's type.
local turned = { gpt2 = true, ["openai-gpt"] = true, imagegpt = true, decision_transformer = true }
local embedding_names = { wte = true, wpe = true, shared = true }

local function last(module) return (module:match "[^.]*$") end

local function is_embedding(name, module)
  return embedding_names[last(module)] or (last(module):find("embed", 1, true) and depth.is_before(name))
end

--- Whether the base is a mixture. To its experts and routers, which are no modules in transformers, peft gives the rank of the adapter,
-- whatever patterns say.
local function is_mixture(base)
  for _, name in ipairs(base.names) do if name:find("experts.", 1, true) or name:find("moe.", 1, true) then return true end end
  return false
end

--- Factors of that rank with the same product: zeros behind their own. Where `alpha` is told, alpha / rank stays as it was.
local function widened(a, b, rank, alpha)
  local left, right = core.shape(a), core.shape(b)
  local own = left[1]
  if #left ~= 2 or #right ~= 2 or own >= rank then return a, b end
  a = assert(core.join({ a, core.fill(0, { rank - own, left[2] }) }, "row"))
  b = assert(core.join({ alpha and b * (rank / own) or b, core.fill(0, { right[1], rank - own }) }, "column"))
  return a, b
end

--- The factors as peft keeps them, with what it calls them, and their rank.
local function factors(name, module, dims, a, b, how)
  local left, right = core.shape(a), core.shape(b)
  local function spell(shape) return "[" .. table.concat(shape, ",") .. "]" end
  local fits = #right == 2 and #left == #dims and right[1] == dims[1] and right[2] == left[1]
  for i = 2, #dims do fits = fits and left[i] == dims[i] end
  if not fits then
    fail("tensor '%s' of %s has no adapter of A %s and B %s: A is [rank, in] and B is [out, rank]", core.shown(name), spell(dims), spell(left), spell(right))
  end
  if left[1] < 1 then fail("tensor '%s': an adapter of rank 0", core.shown(name)) end
  if #dims > 2 then
    local shape = table.move(right, 1, 2, 1, {})
    for i = 3, #dims do shape[i] = 1 end
    b = core.reshape(b, shape)
  else
    a, b = widened(a, b, how.rank, how.alpha)
    left = core.shape(a)
    if how.conv1d or is_embedding(name, module) then a, b = core.turned(b), core.turned(a) end
  end
  local word = #dims == 2 and is_embedding(name, module) and "%s.lora_embedding_%s" or "%s.lora_%s.weight"
  return { word:format(module, "A"), a }, { word:format(module, "B"), b }, left[1]
end

-- ---- adapter_config.json ----

--- The last parts of the modules' names, where no other module of the base has one of these; else whole names.
local function targets(base, modules)
  local words, list, count = {}, {}, 0
  for _, module in ipairs(modules) do words[last(module)] = true end
  for _, name in ipairs(base.names) do
    local module = name:match "^(.*)%.weight$"
    if module and words[last(module)] then count = count + 1 end
  end
  if count ~= #modules then return modules end
  for word in pairs(words) do list[#list + 1] = word end
  table.sort(list)
  return list
end

--- The rank of most modules, of several the least.
local function usual(ranks)
  local counts, best = {}, nil
  for _, rank in pairs(ranks) do counts[rank] = (counts[rank] or 0) + 1 end
  for rank, count in pairs(counts) do
    if not best or count > counts[best] or (count == counts[best] and rank < best) then best = rank end
  end
  return best
end

-- What peft calls the task that a class of transformers is made for, by the end of its name.
local tasks = { ForCausalLM = "CAUSAL_LM", LMHeadModel = "CAUSAL_LM", ForSequenceClassification = "SEQ_CLS", ForTokenClassification = "TOKEN_CLS",
  ForQuestionAnswering = "QUESTION_ANS", ForConditionalGeneration = "SEQ_2_SEQ_LM" }

local function task_of(config)
  local class = type(config.architectures) == "table" and config.architectures[1]
  for ending, task in pairs(tasks) do if type(class) == "string" and class:sub(-#ending) == ending then return task end end
  return nil
end

local function configuration(base, modules, ranks, alpha, conv1d)
  local own, rank = core.config or {}, usual(ranks)
  local config = { peft_type = "LORA", task_type = task_of(own), r = rank, lora_alpha = alpha or rank, target_modules = targets(base, modules),
    bias = "none", lora_dropout = 0, fan_in_fan_out = conv1d or false, inference_mode = true, use_rslora = false, use_dora = false }
  local other = {}
  for module, r in pairs(ranks) do if r ~= rank then other[module] = r end end
  if next(other) then config.rank_pattern, config.alpha_pattern = other, not alpha and other or nil end
  return config
end

-- ---- the word ----

D.adapter = W.word("adapter{...}", function(given)
  if kind(given) ~= "table" then return (fail("this is written %s, not with %s", form, V.called(given))) end
  W.check_options(given, { "A", "B", "alpha", "base" })
  local A, B, base = need(given, "A"), need(given, "B"), base_of(given.base)
  local alpha = given.alpha
  if alpha ~= nil and type(alpha) ~= "number" then return (fail("alpha of adapter{...} is a plain number, not %s", V.called(alpha))) end
  if alpha and not (alpha > -math.huge and alpha < math.huge) then return (fail("alpha of adapter{...} = %s is not finite", alpha)) end
  local conv1d, widest = turned[(core.config or {}).model_type], 0
  local nodes, names, modules, ranks = {}, {}, {}, {}
  for _, name in ipairs(is_mixture(base) and A.names or {}) do widest = math.max(widest, (core.shape(A.nodes[name]) or { 0 })[1]) end
  for _, name in ipairs(B.names) do
    if A.nodes[name] == nil then return (fail("adapter{...}: tensor '%s' has a factor B without A", core.shown(name))) end
  end
  for _, name in ipairs(A.names) do
    local a, b, weight, module = A.nodes[name], B.nodes[name], base.nodes[name], name:match "^(.+)%.weight$"
    if b == nil then return (fail("adapter{...}: tensor '%s' has a factor A without B", core.shown(name))) end
    if weight == nil then return (fail("adapter{...}: the base has no tensor '%s'%s", core.shown(name),
      core.module("suggest").hint(name, { table.unpack(base.names, 1, math.min(#base.names, 4000)) }))) end
    if not module or #core.shape(weight) < 2 then return (fail("adapter{...}: tensor '%s' is no weight of two or more dimensions", core.shown(name))) end
    if not core.is_tensor(a) or not core.is_tensor(b) then return (fail("adapter{...}: a factor of '%s' is a number, not a tensor", core.shown(name))) end
    local left, right, rank = factors(name, module, core.shape(weight), a, b, { conv1d = conv1d, rank = widest, alpha = alpha })
    for _, factor in ipairs { left, right } do
      names[#names + 1] = "base_model.model." .. factor[1]
      nodes[names[#names]] = factor[2]
    end
    modules[#modules + 1], ranks[module] = module, rank
  end
  if #modules == 0 then return (fail("adapter{...} changes no tensor: A and B are empty")) end
  table.sort(names)
  return (V.new("adapter", { names = names, nodes = nodes, config = configuration(base, modules, ranks, alpha, conv1d) }))
end)

--- The part of a model MODEL+ADAPTER that the adapter changes: none of one without.
W.word("model:adapted()", function(x)
  local private, nodes = data(x), {}
  if not private.adapted then return (fail("'adapted' is of a model that was given, not of one that was computed")) end
  for _, name in ipairs(private.adapted) do nodes[name] = private.nodes[name] end
  return (V.model(meet.names(private.adapted), nodes, private.label, { kept = {}, part_of = private, config = private.config, measured = private.measured }))
end)

return D
