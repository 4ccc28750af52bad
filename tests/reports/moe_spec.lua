--- moonweld moe: which tensor of which model lies where in each layout, what config.json says, and what is refused. Values are small whole
-- numbers, which every dtype holds, so that a tensor is known by its first element.
package.path = "tests/reports/?.lua;" .. package.path
local M = require "models"

local HIDDEN, WIDTH, LAYERS = 4, 3, 2
local shapes = { ["mlp.gate_proj.weight"] = { WIDTH, HIDDEN }, ["mlp.up_proj.weight"] = { WIDTH, HIDDEN }, ["mlp.down_proj.weight"] = { HIDDEN, WIDTH },
  ["self_attn.q_proj.weight"] = { 4, HIDDEN }, ["self_attn.k_proj.weight"] = { 2, HIDDEN }, ["input_layernorm.weight"] = { HIDDEN } }

--- What a tensor of model `number` holds: another number for each layer and name.
local function holds(number, layer, name)
  return number * 100 + layer * 10 + ({ ["mlp.gate_proj.weight"] = 1, ["mlp.up_proj.weight"] = 2, ["mlp.down_proj.weight"] = 3 })[name]
end

local function dense(number, width, more)
  local tensors = { ["model.embed_tokens.weight"] = { "F32", { 5, HIDDEN }, number }, ["model.norm.weight"] = { "F32", { HIDDEN }, number } }
  for layer = 0, LAYERS - 1 do
    for name, shape in pairs(shapes) do
      local dims = { shape[1] == WIDTH and width or shape[1], shape[2] == WIDTH and width or shape[2] }
      tensors[("model.layers.%d.%s"):format(layer, name)] = { "F32", dims, name:find "mlp" and holds(number, layer, name) or number }
    end
    for name, tensor in pairs(more or {}) do tensors[("model.layers.%d.%s"):format(layer, name)] = tensor end
  end
  return tensors
end

local function config(kind, width, more)
  return ('{"architectures": ["X"], "model_type": "%s", "hidden_size": %d, "intermediate_size": %d, "num_hidden_layers": %d, "vocab_size": 5, ' ..
    '"num_attention_heads": 2, "tie_word_embeddings": true%s}'):format(kind, HIDDEN, width, LAYERS, more or "")
end

local function family(kind, more)
  for number = 1, 4 do M.model(kind .. number, dense(number, WIDTH, more), config(kind, WIDTH)) end
end

local parts = { "gate_proj", "up_proj", "down_proj" }

--- The naive mixture: by the name of each tensor the number that fills it, but for the routers.
local function mixture(expert, words, shared, shared_at)
  local all = { ["model.embed_tokens.weight"] = 1, ["model.norm.weight"] = 1 }
  for layer = 0, LAYERS - 1 do
    local here = ("model.layers.%d."):format(layer)
    for name in pairs(shapes) do if not name:find "mlp" then all[here .. name] = 1 end end
    for _, part in ipairs(parts) do
      for e = 0, 1 do all[here .. expert:format(e) .. (words[part] or part) .. ".weight"] = holds(e + 2, layer, "mlp." .. part .. ".weight") end
      if shared then all[here .. shared_at .. part .. ".weight"] = holds(shared, layer, "mlp." .. part .. ".weight") end
    end
  end
  return all
end

local function check(tensors, expected, routers)
  for name, value in pairs(expected) do
    assert(tensors[name], name .. " is missing")
    for i = 1, #tensors[name] do assert.equal(value, tensors[name][i], name) end
  end
  for name, tensor in pairs(tensors) do
    if not expected[name] then assert.equal(routers[name:match "^model%.layers%.%d%.(.*)"], tensor.shape, name) end
  end
end

local function made(command)
  local tensors, said, out = M.made(command)
  return tensors, M.bytes(out .. "/config.json"), said, out
end

local function says(text, ...)
  for _, words in ipairs { ... } do assert(text:find(words, 1, true), ("config.json lacks %s: %s"):format(words, text)) end
end

describe("moonweld moe", function()
  family "llama"
  family "mistral"
  family("qwen2", { ["self_attn.q_proj.bias"] = { "F32", { 4 }, 1 } })
  family("qwen3", { ["self_attn.q_norm.weight"] = { "F32", { 2 }, 1 } })

  it("makes Mixtral's layout of Llama and Mistral", function()
    for _, kind in ipairs { "llama", "mistral" } do
      local tensors, text = made(("moonweld moe --base %s1 --experts %s2 %s3"):format(kind, kind, kind))
      check(tensors, mixture("block_sparse_moe.experts.%d.", { gate_proj = "w1", up_proj = "w3", down_proj = "w2" }),
        { ["block_sparse_moe.gate.weight"] = "2,4" })
      says(text, '"architectures": ["MixtralForCausalLM"]', '"model_type": "mixtral"', '"num_local_experts": 2', '"num_experts_per_tok": 2')
    end
  end)

  it("says what the dense configuration leaves out and the mixture's class would take for something else", function()
    local _, text = made "moonweld moe --base llama1 --experts llama2 llama3"
    says(text, '"head_dim": 2', '"num_key_value_heads": 1', '"rms_norm_eps": 1e-06', '"rope_theta": 10000')
    M.model("said", dense(1, WIDTH), config("llama", WIDTH, ', "num_key_value_heads": 1, "rope_parameters": {"rope_theta": 5.0}, "rms_norm_eps": 0.5'))
    _, text = made "moonweld moe --base said --experts llama2 llama3 --allow config"
    says(text, '"num_key_value_heads": 1, "rope_parameters": {"rope_theta": 5.0}, "rms_norm_eps": 0.5')
    assert.is_nil(text:find('"rope_theta": 10000', 1, true))
  end)

  it("makes Qwen's layouts and DeepSeek's, with a shared expert where there is one", function()
    local tensors, text = made "moonweld moe --layout qwen2_moe --base qwen21 --experts qwen22 qwen23 --shared qwen24"
    local expected = mixture("mlp.experts.%d.", {}, 4, "mlp.shared_expert.")
    for layer = 0, 1 do expected[("model.layers.%d.self_attn.q_proj.bias"):format(layer)] = 1 end
    check(tensors, expected, { ["mlp.gate.weight"] = "2,4", ["mlp.shared_expert_gate.weight"] = "1,4" })
    says(text, '["Qwen2MoeForCausalLM"]', '"model_type": "qwen2_moe"', '"num_experts": 2', '"moe_intermediate_size": 3', '"norm_topk_prob": true',
      '"shared_expert_intermediate_size": 3', '"mlp_only_layers": []', '"decoder_sparse_step": 1')

    tensors, text = made "moonweld moe --layout qwen3_moe --base qwen31 --experts qwen32 qwen33 --per-token 1"
    expected = mixture("mlp.experts.%d.", {})
    for layer = 0, 1 do expected[("model.layers.%d.self_attn.q_norm.weight"):format(layer)] = 1 end
    check(tensors, expected, { ["mlp.gate.weight"] = "2,4" })
    says(text, '["Qwen3MoeForCausalLM"]', '"model_type": "qwen3_moe"', '"num_experts_per_tok": 1', '"head_dim": 2')
    assert.is_nil(text:find("shared", 1, true))

    tensors, text = made "moonweld moe --layout deepseek --base llama1 --experts llama2 llama3"
    check(tensors, mixture("mlp.experts.%d.", {}), { ["mlp.gate.weight"] = "2,4" })
    says(text, '["DeepseekForCausalLM"]', '"model_type": "deepseek"', '"n_routed_experts": 2', '"first_k_dense_replace": 0', '"scoring_func": "softmax"')
    -- Readers disagree whether a single expert's share is divided by itself: the file says that it is not.
    says(text, '"norm_topk_prob": true')
    says(select(2, made "moonweld moe --layout deepseek --base llama1 --experts llama2 llama3 --per-token 1"), '"norm_topk_prob": false', '"num_experts_per_tok": 1')
    tensors, text = made "moonweld moe --layout deepseek --base llama1 --experts llama2 llama3 --shared llama4"
    check(tensors, mixture("mlp.experts.%d.", {}, 4, "mlp.shared_experts."), { ["mlp.gate.weight"] = "2,4" })
    says(text, '"n_shared_experts": 1')
  end)

  it("scales what the shared expert adds", function()
    local tensors = made "moonweld moe --layout deepseek --base llama1 --experts llama2 llama3 --shared llama4 --shared-scale 0.5"
    assert.equal(holds(4, 1, "mlp.down_proj.weight") / 2, tensors["model.layers.1.mlp.shared_experts.down_proj.weight"][1])
    assert.equal(holds(4, 1, "mlp.up_proj.weight"), tensors["model.layers.1.mlp.shared_experts.up_proj.weight"][1])
  end)

  it("draws the routers by the seed, each by its name, or makes them zero", function()
    local router = "model.layers.%d.block_sparse_moe.gate.weight"
    local one = made "moonweld moe --base llama1 --experts llama2 llama3 --seed 3 --spread 1"
    local again = made "moonweld moe --base llama1 --experts llama2 llama3 --seed 3 --spread 1"
    local other = made "moonweld moe --base llama1 --experts llama2 llama3 --seed 4 --spread 1"
    local small = made "moonweld moe --base llama1 --experts llama2 llama3 --seed 3 --spread 0.25"
    local zero = made "moonweld moe --base llama1 --experts llama2 llama3 --gates zero"
    assert.same(one, again)
    for layer = 0, 1 do
      local name = router:format(layer)
      for i = 1, 8 do
        assert.equal(one[name][i] / 4, small[name][i])
        assert.equal(0, zero[name][i])
        assert.not_equal(one[name][i], other[name][i])
      end
    end
    assert.not_equal(one[router:format(0)][1], one[router:format(1)][1])
  end)

  it("takes the routers from a file of them", function()
    local given = {}
    for layer = 0, 1 do given[("model.layers.%d.block_sparse_moe.gate.weight"):format(layer)] = { "F32", { 2, 4 }, { 1, 2, 3, 4, 5, 6, 7, 8 + layer } } end
    M.safetensors("routers.safetensors", given)
    local tensors = made "moonweld moe --base llama1 --experts llama2 llama3 --router routers.safetensors"
    for name, router in pairs(given) do
      for i = 1, 8 do assert.equal(router[3][i], tensors[name][i]) end
    end
  end)

  it("is made again from its lock", function()
    local tensors, _, _, out = made "moonweld moe --base llama1 --experts llama2 llama3 --seed 5"
    assert.equal(0, (M.run("moonweld rebuild " .. out .. " -o again")))
    assert.same(tensors, M.read "again/model.safetensors")
  end)

  it("refuses what does not fit together, in one line", function()
    local moe = "moonweld moe --base llama1 --experts llama2 llama3"
    M.refused(moe .. " --layout qwen3_moe", "base: a model of type llama; layout qwen3_moe is made of type qwen3")
    M.refused("moonweld moe --base qwen21 --experts qwen22 qwen23", "base: a model of type qwen2; layout mixtral is made of type llama or mistral")
    M.refused(moe .. " --per-token 3", "per_token is 3, of 2 experts")
    M.refused(moe .. " --shared llama4", "layout mixtral has no shared expert")
    M.refused("moonweld moe --layout qwen2_moe --base qwen21 --experts qwen22 qwen23", "layout qwen2_moe needs a shared expert: --shared MODEL")
    M.refused("moonweld moe --base llama1 --experts llama2", "experts")
    M.model("wide", dense(2, 6), config("llama", 6))
    M.refused("moonweld moe --base llama1 --experts llama2 wide --allow config",
      "'model.layers.0.mlp.gate_proj.weight' is [6,4] in one of the experts and [3,4] in the base")
    M.safetensors("few.safetensors", { ["model.layers.0.block_sparse_moe.gate.weight"] = { "F32", { 3, 4 }, 1 },
      ["model.layers.1.block_sparse_moe.gate.weight"] = { "F32", { 2, 4 }, 1 } })
    M.refused(moe .. " --router few.safetensors", "router: 'model.layers.0.block_sparse_moe.gate.weight' is not [2,4]")
    M.safetensors("other.safetensors", { ["gate.weight"] = { "F32", { 2, 4 }, 1 } })
    M.refused(moe .. " --router other.safetensors", "no tensor is called 'model.layers.0.block_sparse_moe.gate.weight'")
    M.model("biased", dense(1, WIDTH, { ["self_attn.q_proj.bias"] = { "F32", { 4 }, 1 } }), config("llama", WIDTH))
    M.refused("moonweld moe --base biased --experts llama2 llama3", "layout mixtral has no biases")
    M.model("odd", dense(1, WIDTH, { ["mlp.up_proj.bias"] = { "F32", { 3 }, 1 } }), config("llama", WIDTH))
    M.refused("moonweld moe --base odd --experts llama2 llama3", "base: its MLPs have other tensors than")
  end)
end)
