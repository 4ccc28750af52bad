--- The forward passes of lua/moonweld/arch on small random models, against plain loops (naive.lua).
package.path = "tests/spec/?.lua;" .. package.path
local toy, naive, mw = require "toy", require "naive", require "moonweld"

math.randomseed(11)
local VOCABULARY, HIDDEN, HEADS, GROUPS, D, INNER, LAYERS = 13, 12, 4, 2, 6, 10, 2

--- A model's folder, a function that gives its tensors as matrices and vectors, and the folder of its twin with another config.json.
local function model(config, extra)
  local tensors, shapes, matrices = {}, {}, {}
  local function add(name, rows, columns)
    local values = toy.random(rows * (columns or 1), name:find "norm" and 1 or 0.6)
    tensors[name], shapes[name] = values, columns and { rows, columns } or { rows }
    matrices[name] = values
    if not columns then return end
    matrices[name] = {}
    for r = 1, rows do matrices[name][r] = { table.unpack(values, (r - 1) * columns + 1, r * columns) } end
  end
  add("model.embed_tokens.weight", VOCABULARY, HIDDEN)
  add("model.norm.weight", HIDDEN)
  for l = 0, LAYERS - 1 do
    local here = "model.layers." .. l .. "."
    add(here .. "input_layernorm.weight", HIDDEN)
    add(here .. "post_attention_layernorm.weight", HIDDEN)
    add(here .. "self_attn.q_proj.weight", HEADS * D, HIDDEN)
    add(here .. "self_attn.k_proj.weight", GROUPS * D, HIDDEN)
    add(here .. "self_attn.v_proj.weight", GROUPS * D, HIDDEN)
    add(here .. "self_attn.o_proj.weight", HIDDEN, HEADS * D)
    add(here .. "mlp.gate_proj.weight", INNER, HIDDEN)
    add(here .. "mlp.up_proj.weight", INNER, HIDDEN)
    add(here .. "mlp.down_proj.weight", HIDDEN, INNER)
    for name, size in pairs(extra or {}) do add(here .. name, size) end
  end
  if not config:find "tie_word_embeddings" then add("lm_head.weight", VOCABULARY, HIDDEN) end
  return toy.model(tensors, shapes, config), function(name) return matrices[name] end, function(other) return toy.model(tensors, shapes, other) end
end

local common = string.format([["vocab_size": %d, "hidden_size": %d, "num_attention_heads": %d, "num_key_value_heads": %d, "head_dim": %d,
  "intermediate_size": %d, "num_hidden_layers": %d, "rms_norm_eps": 1e-5, "rope_theta": 100]], VOCABULARY, HIDDEN, HEADS, GROUPS, D, INNER, LAYERS)
local facts = { heads = HEADS, groups = GROUPS, d = D, layers = LAYERS, theta = 100, eps = 1e-5, stretch = function(f) return f end }
local function with(more)
  local all = {}
  for key, value in pairs(facts) do all[key] = value end
  for key, value in pairs(more or {}) do all[key] = value end
  return all
end

local WINDOWS = { { 1, 5, 3, 12, 0, 7, 7, 2 }, { 4, 9, 11 } }
local ids = toy.text(".jsonl", "[1, 5, 3, 12, 0, 7, 7, 2]\n[4, 9, 11]\n")

local function llama3(f)
  local turns = 64 * f / (2 * math.pi)
  if turns < 1 then return f / 8 elseif turns > 4 then return f end
  local s = (turns - 1) / 3
  return (1 - s) * f / 8 + s * f
end

local cases = {
  { "llama", '"model_type": "llama"' },
  { "llama with a tied head", '"model_type": "llama", "tie_word_embeddings": true' },
  { "llama with biases", '"model_type": "llama", "attention_bias": true', {}, { ["self_attn.q_proj.bias"] = HEADS * D, ["self_attn.o_proj.bias"] = HIDDEN } },
  { "llama with linear rope scaling", '"model_type": "llama", "rope_scaling": {"type": "linear", "factor": 4.0}', { stretch = function(f) return f / 4 end } },
  { "llama with llama3 rope scaling", [["model_type": "llama", "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
    "high_freq_factor": 4.0, "original_max_position_embeddings": 64}]], { stretch = llama3 } },
  { "mistral, which sees as far as its window", '"model_type": "mistral", "sliding_window": 3', { window = 3 } },
  { "qwen2 with its biases", '"model_type": "qwen2", "use_sliding_window": false, "sliding_window": 3', {},
    { ["self_attn.q_proj.bias"] = HEADS * D, ["self_attn.k_proj.bias"] = GROUPS * D, ["self_attn.v_proj.bias"] = GROUPS * D } },
  { "qwen3 with normalised heads", '"model_type": "qwen3"', {}, { ["self_attn.q_norm.weight"] = D, ["self_attn.k_norm.weight"] = D } },
  { "gemma", '"model_type": "gemma", "hidden_act": "gelu_pytorch_tanh", "tie_word_embeddings": true',
    { unit = 1, scale = math.sqrt(HIDDEN), act = naive.gelu_tanh } },
}

describe("forward passes", function()
  for _, case in ipairs(cases) do
    it("of " .. case[1] .. " equal plain loops", function()
      local folder, w = model("{" .. common .. ", " .. case[2] .. "}", case[4])
      local sum, tokens = 0, 0
      for _, window in ipairs(WINDOWS) do
        sum = sum + naive.cross_entropy(naive.decoder(w, window, with(case[3])), window) * (#window - 1)
        tokens = tokens + #window - 1
      end
      local found = mw.eval(folder, { data = ids })[1]
      assert.equal(tokens, found.tokens)
      assert(math.abs(found.loss - sum / tokens) < 2e-6, string.format("loss %.8f, expected %.8f", found.loss, sum / tokens))
    end)
  end

  local refused = {
    { "an architecture that is not there", '"model_type": "rwkv"', "there is no forward pass for model_type 'rwkv'; there are gemma, llama, mistral, qwen2, qwen3" },
    { "another activation", '"model_type": "llama", "hidden_act": "relu"', "hidden_act = 'relu': the forward pass of 'llama' knows silu" },
    { "another rope scaling", '"model_type": "llama", "rope_scaling": {"type": "yarn", "factor": 4.0}', "rope_scaling of type 'yarn'" },
    { "a part of a head turned", '"model_type": "llama", "partial_rotary_factor": 0.5', "partial_rotary_factor = 0.5" },
    { "tensors that the architecture does not know", '"model_type": "llama"', "does not use tensor 'model.layers.0.self_attn.q_norm.weight'", { ["self_attn.q_norm.weight"] = D } },
    { "missing biases", '"model_type": "qwen2"', "needs tensor 'model.layers.0.self_attn.q_proj.bias'" },
  }
  for _, case in ipairs(refused) do
    it("refuse " .. case[1] .. " by name", function()
      local folder = model("{" .. common .. ", " .. case[2] .. "}", case[4])
      local ok, message = pcall(mw.eval, folder, { data = ids })
      assert(not ok and message:find(case[3], 1, true), message)
    end)
  end
end)

describe("a model's own config.json", function()
  local recipe = toy.text(".lua", [[return recipe { "What each expert says.", arg.models("experts", "models"), arg.calibration(), function(a)
    return sum(learn { start = a.experts:columns(0.5), steps = 1, data = a.data, loss = function(c, batch)
      return cross_entropy(logits(a.experts[2], batch[1]), batch[1]) + 0 * c:l1() end } * a.experts) end }]])

  --- Two models of the same tensors, the second with a change of its config.json.
  local function twins(from, to)
    local config = "{" .. common .. ', "model_type": "llama"}'
    local folder, _, twin = model(config)
    return folder, twin((config:gsub(from, to)))
  end

  it("says how it runs, not that of the first model", function()
    local one, two = twins('"rope_theta": 100', '"rope_theta": 7')
    local folder, window = toy.path "-out", toy.text(".jsonl", "[1, 5, 3, 12, 0, 7, 7, 2]\n")
    mw.merge(recipe, { experts = { one, two } }, { data = { window }, output = folder, threads = 1, allow = { "config" } })
    local found = tonumber(io.open(folder .. "/moonweld/training.jsonl"):read("a"):match '"loss":([%d.]+)')
    local first, second = mw.eval(one, { data = window })[1].loss, mw.eval(two, { data = window })[1].loss
    assert(math.abs(first - second) > 1e-4 and math.abs(found - second) < 1e-6, string.format("%.8f, alone %.8f, the first %.8f", found, second, first))
  end)

  it("is named where it cannot be followed", function()
    local one, two = twins('"model_type": "llama"', '"model_type": "rwkv"')
    local ok, message = pcall(mw.merge, recipe, { experts = { one, two } }, { data = { ids }, output = toy.path "-out" })
    assert(not ok and message:find("experts[2]: config.json: there is no forward pass for model_type 'rwkv'", 1, true), message)
  end)
end)

describe("the types of lua/moonweld/arch", function()
  local known = {}
  for line in io.lines "src/model/architectures.def" do known[line:match "^MW_ARCHITECTURE%(([%w_]+)," or ""] = true end
  local files = assert(io.popen "ls lua/moonweld/arch/*.lua")
  for path in files:lines() do
    it("in " .. path .. " are lines of architectures.def", function()
      local file = assert(io.open(path))
      local types = file:read "a":match "\n  types = {(.-)}"
      file:close()
      for name in types:gmatch '"([^"]+)"' do assert(known[name], "there is no line of " .. name) end
    end)
  end
  files:close()
end)
