--- arch.lua: architectures: which forward pass belongs to a model, by its config.json, and what each of its tensors is for.
-- The files of arch/ are written in the language of recipes; a recipe can bring its own by `require`.
local core = ...
local V, N = core.module("value"), core.module("net")
local word = core.module("word").word
local data, kind, fail = V.data, V.kind, V.fail
local A = {}

local function unavailable(text, ...) return (core.fail("unavailable", string.format(text, ...))) end

-- ---- declaring ----

local classes = { linear = true, norm = true, embedding = true, bias = true }

--- architecture { "what it is", paper =, types = {...}, classes = { {glob, class}, ... }, function(w, batch, config) ... end }
A.architecture = word("architecture{...}", function(parts)
  if type(parts) ~= "table" then return (fail("architecture takes its parts in braces")) end
  local known = { paper = true, types = true, classes = true }
  for key in pairs(parts) do
    if type(key) ~= "number" and not known[key] then return (fail("architecture{...} has no field '%s'", core.shown(tostring(key)))) end
  end
  if type(parts[1]) ~= "string" or type(parts[2]) ~= "function" then
    return (fail("architecture{...} has a sentence first and a function(w, batch, config) last"))
  end
  local private = { types = {}, classes = {}, forward = parts[2] }
  for i, name in ipairs(parts.types or {}) do private.types[i] = tostring(name) end
  for i, entry in ipairs(parts.classes or {}) do
    if type(entry) ~= "table" or type(entry[1]) ~= "string" or not classes[entry[2]] then
      return (fail("entry %d of classes is not {pattern, 'linear', 'norm', 'embedding' or 'bias'}", i))
    end
    private.classes[i] = { entry[1], entry[2] }
  end
  return (V.new("architecture", private))
end)

-- ---- config.json ----

--- How a model runs: as its own config.json says where it is one that was given, as the first model's where it is a merge; with what
-- with_config has changed. Second: what errors call it.
local function config_at(model)
  local label, changed = model and data(model).label, model and data(model).config
  local own = label and core.configs[label]
  local values = own or core.config
  return changed and core.module("config").merged(values or {}, changed) or values, own and own ~= core.config and label .. ": config.json" or "config.json"
end

--- What a forward pass asks of config.json. An option that it does not know is an error that says what it knows.
local function config_of(values, where, entered)
  local config, types = {}, core.shown(tostring(values.model_type or "this architecture"))
  local function at(key) return values[key] end
  local function bad(text, ...) return (core.fail("data", where .. ": " .. string.format(text, ...))) end
  local function unknown(text, ...) return (unavailable("%s: %s", where, string.format(text, ...))) end
  local function wrong(key, expected) return (bad("%s: found %s, expected %s", key, core.shown(tostring(at(key))), expected)) end
  local function value(key, default, what)
    local found = at(key)
    if found == nil then found = default end
    if found == nil then return (bad("%s: missing, expected %s", key, what)) end
    return found
  end
  --- Tells that layer `layer` (from 0) reads x: the hidden states are these.
  function config.enter(layer, x)
    if entered then entered(layer, x) end
  end
  --- A whole number from 1.
  function config.count(key, default)
    local found = value(key, default, "a whole number")
    if type(found) ~= "number" or found ~= math.floor(found) or found < 1 or found > 2 ^ 31 then return (wrong(key, "a whole number from 1")) end
    return (math.floor(found))
  end
  --- A positive number.
  function config.number(key, default)
    local found = value(key, default, "a number")
    if type(found) ~= "number" or not (found > 0 and found < math.huge) then return (wrong(key, "a number above 0")) end
    return found
  end
  function config.flag(key) return at(key) == true end
  --- One of the words; what the forward pass does not know is not available.
  function config.word(key, words, default)
    local found = value(key, default or words[1], "a word")
    for _, known in ipairs(words) do if known == found then return found end end
    return (unknown("%s = '%s': the forward pass of '%s' knows %s", key, core.shown(tostring(found)), types, table.concat(words, ", ")))
  end
  --- How many positions back a layer sees; 0: all. `switch` is the key that turns windows on, where there is one.
  function config.window(layer, switch)
    local list = at("layer_types")
    if at("sliding_window") == nil or switch and not at(switch) then return 0 end
    local narrow = not switch or layer >= (at("max_window_layers") or 28)
    if type(list) == "table" then narrow = list[layer + 1] == "sliding_attention" end
    return narrow and config.count "sliding_window" or 0
  end
  --- Angles a position for each pair of a head of `width`: theta^(-2j / width), scaled as rope_scaling says.
  function config.rotary(width)
    local rope = at("rope_parameters") or at("rope_scaling")
    if type(rope) ~= "table" then rope = {} end
    local scaling, theta = rope.rope_type or rope.type or "default", rope.rope_theta or config.number("rope_theta", 10000)
    local part, scale = rope.partial_rotary_factor or at("partial_rotary_factor") or 1, A.rope_scaling[scaling]
    if part ~= 1 then return (unknown("partial_rotary_factor = %s: the forward pass of '%s' turns whole heads", core.shown(tostring(part)), types)) end
    if width % 2 ~= 0 then return (bad("heads of %d values cannot be turned in pairs", width)) end
    if not scale then
      return (unknown("rope_scaling of type '%s': the forward pass of '%s' knows default, linear, llama3", core.shown(tostring(scaling)), types))
    end
    local frequencies = {}
    for j = 0, width // 2 - 1 do frequencies[j + 1] = scale(core.compute("exp", -2 * j / width * core.compute("log", theta)), rope) end
    return frequencies
  end
  return config
end

local function setting(rope, key)
  local value = rope[key]
  if type(value) ~= "number" or not (value > 0 and value < math.huge) then
    return (core.fail("data", string.format("config.json: rope_scaling.%s: found %s, expected a number above 0", key, core.shown(tostring(value)))))
  end
  return value
end

--- What becomes of a frequency, by the type of rope_scaling.
A.rope_scaling = {
  default = function(f) return f end,
  linear = function(f, rope) return f / setting(rope, "factor") end,
  -- Llama 3.1: long waves are stretched by `factor`, short ones kept, those between blended.
  llama3 = function(f, rope)
    local factor, low, high = setting(rope, "factor"), setting(rope, "low_freq_factor"), setting(rope, "high_freq_factor")
    local turns = setting(rope, "original_max_position_embeddings") * f / (2 * math.pi)
    if turns < low then return f / factor elseif turns > high then return f end
    local smooth = (turns - low) / (high - low)
    return (1 - smooth) * f / factor + smooth * f
  end,
}

-- ---- which one ----

local builtin -- model_type -> architecture

local function load_builtins()
  builtin = {}
  for _, file in ipairs(core.architectures) do
    local architecture = core.module("env").run(core.architecture(file), "@lua/moonweld/arch/" .. file .. ".lua")
    for _, model_type in ipairs(data(architecture).types) do builtin[model_type] = architecture end
  end
end

--- The architecture of a model, by its config.json or, without one, the first model's.
function A.find(model)
  local values, where = config_at(model)
  if not values then return (unavailable("the first model has no config.json, which names its architecture")) end
  if not builtin then load_builtins() end
  local model_type = values.model_type
  local found = builtin[model_type]
  if found then return found end
  local words = {}
  for name in pairs(builtin) do words[#words + 1] = name end
  table.sort(words)
  return (unavailable("%s: there is no forward pass for model_type '%s'; there are %s", where, core.shown(tostring(model_type)), table.concat(words, ", ")))
end

--- What a tensor is for: "linear", "norm", "embedding" or "bias".
function A.class_of(architecture, name)
  for _, entry in ipairs(data(architecture).classes) do if core.glob(entry[1], name) then return entry[2] end end
  return (unavailable("the architecture does not say what tensor '%s' is for", core.shown(name)))
end

--- Buffers that old files carry; they are computed from config.json.
local function is_buffer(name) return name:find("rotary_emb%.inv_freq$") ~= nil end

--- What to do where a tensor of a layer is missing, or left over.
local function of_depth(name)
  return core.layer_of(tostring(name)) and "; m:with_config{num_hidden_layers = ...} says how many layers a model of other ones has" or ""
end

--- Runs a forward pass: the logits, and the names of the tensors that it reads. `entered(layer, x)` is told what each layer reads.
function A.run(model, batch, forward, entered)
  if forward == nil then forward = A.find(model) end
  local run = kind(forward) == "architecture" and data(forward).forward or forward
  if type(run) ~= "function" then return (fail("a forward pass is architecture{...} or a function(w, batch, config), not %s", V.called(forward))) end
  local private, used = data(model), {}
  local function tensor(name, optional)
    used[name] = true
    local found = private.nodes[name]
    if found == nil and not optional then fail("the forward pass needs tensor '%s', which the model lacks%s", core.shown(tostring(name)), of_depth(name)) end
    return found
  end
  local values, where = config_at(model)
  local result = run(tensor, batch, config_of(values or {}, where, entered))
  if kind(result) ~= "node" or V.batch_of[result] ~= batch then return (fail("the forward pass gives %s, not the logits of its batch", V.called(result))) end
  for _, name in ipairs(private.names) do
    if not used[name] and not is_buffer(name) then
      unavailable("the forward pass does not use tensor '%s', so the model is another one than its config.json says%s", core.shown(name), of_depth(name))
    end
  end
  private.read = used
  return result, used
end

--- The logits [tokens, vocabulary] of a model for a batch.
A.logits = word("logits(model, batch[, forward])", function(model, batch, forward)
  if kind(model) ~= "model" then return (fail("logits takes a model, not %s", V.called(model))) end
  if kind(batch) ~= "batch" then return (fail("logits takes a batch as its second argument, not %s", V.called(batch))) end
  return (A.run(model, batch, forward))
end)

A.number = N.finite
return A
