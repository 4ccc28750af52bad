--- Adapters that are refused, each by a line that says why.
package.path = "tests/spec/?.lua;tests/reports/?.lua;" .. package.path
local M, low_rank, adapted = require "models", require "low_rank", require "adapted"
local tensor = low_rank.tensor
local adapter, factors, join = adapted.adapter, adapted.factors, adapted.join
local Q = adapted.Q
adapted.write_base()

describe("an adapter is refused", function()
  local good = factors(Q, 2, 6, 4, 20)
  local function refused(tensors, settings, ...) M.refused("moonweld soup --models base+" .. adapter(tensors, settings), ...) end
  it("where its configuration is none, or of another kind", function()
    local folder = adapter(good)
    M.write(folder .. "/adapter_config.json", "{not json")
    M.refused("moonweld soup --models base+" .. folder, "adapter_config.json")
    M.write(folder .. "/adapter_config.json", '{"peft_type": "VERA"}')
    M.refused("moonweld soup --models base+" .. folder, "peft_type", "VERA", "LORA", "merge_and_unload")
    for kind, what in pairs { PROMPT_TUNING = "vectors that stand before the text", PREFIX_TUNING = "keys and values", XLORA = "a mixture of LoRAs" } do
      M.write(folder .. "/adapter_config.json", ('{"peft_type": "%s"}'):format(kind))
      M.refused("moonweld soup --models base+" .. folder, "peft_type", kind, what, "no model can be made of it")
    end
    os.remove(M.folder .. "/" .. folder .. "/adapter_config.json")
    M.refused("moonweld soup --models base+" .. folder, "adapter_config.json", "lora_alpha is not known")
    for _, key in ipairs { "use_qalora", "arrow_config", "layer_replication", "target_parameters", "trainable_token_indices", "a_new_variant" } do
      refused(good, '"r": 2, "' .. key .. '": [[1, 2]]', key)
    end
    refused(good, '"r": 2, "init_lora_weights": "pissa"', "init_lora_weights", "pissa")
  end)
  it("where it holds no tensor", function() refused({}, nil, "adapter_model.safetensors: holds no tensor, expected an adapter's") end)
  it("where a tensor of it, or one of the base that it changes, has no elements", function()
    refused(factors(Q, 2, 6, 0, 20), nil, "tensor 'base_model.model.model.layers.0.q.lora_A.weight' has no elements", "ZeRO-3")
    M.model("hollow", { [Q .. ".weight"] = { "F32", { 0, 4 }, {} } }, adapted.config)
    M.refused("moonweld soup --models hollow+" .. adapter(good), "the base's tensor 'model.layers.0.q.weight' has no elements")
  end)
  it("where rank or alpha is no number that can be", function()
    for _, r in ipairs { "0", "-1", "1e9", "2.5", '"2"' } do refused(good, '"r": ' .. r, "r: found " .. r) end
    for _, alpha in ipairs { '"8"', "1e400", "true" } do refused(good, '"r": 2, "lora_alpha": ' .. alpha, "lora_alpha: found " .. alpha) end
    refused(good, '"r": 2, "lora_alpha": NaN', "adapter_config.json")
    refused(good, '"r": 2, "rank_pattern": {"q": 0}', "rank_pattern: found 0")
    for _, pattern in ipairs { "(a+)+$", "(?=x)", "a{2,9}", "x**", "[", "(", "a|b)" } do
      refused(good, ('"r": 2, "alpha_pattern": {"%s": 1}'):format(pattern), "alpha_pattern", "not supported")
    end
  end)
  it("where factors, ranks or shapes disagree", function()
    refused(good, '"r": 3', "the ranks disagree: 2", "3 of the configuration")
    refused(join(good, { ["base_model.model." .. Q .. ".lora_B.weight"] = tensor(1, 6, 3) }), nil, "the ranks disagree")
    refused(factors(Q, 2, 6, 5, 20), nil, "[2,5]", "[6,2]", "[6,4]")
    refused({ ["base_model.model." .. Q .. ".lora_A.weight"] = tensor(1, 2, 4) }, nil, Q, "factor A without B")
    refused({ ["base_model.model." .. Q .. ".lora_B.weight"] = tensor(1, 6, 2) }, nil, Q, "factor B without A")
    refused(join(good, { ["base_model.model." .. Q .. ".lora_A.default.weight"] = tensor(1, 2, 4) }), nil, Q, "adapted twice")
    refused(good, '"r": 2, "use_dora": true', "use_dora is true", "no magnitude vector")
    refused(join(good, { ["base_model.model." .. Q .. ".lora_magnitude_vector"] = tensor(1, 6) }), nil, "use_dora is false")
    refused(join(good, { ["base_model.model." .. Q .. ".lora_magnitude_vector"] = tensor(1, 5) }), '"r": 2, "use_dora": true', "magnitude vector has 5")
    refused({ ["base_model.model.model.embed.weight"] = tensor(80, 8, 4) }, nil, "[8,4]", "[7,4]")
    refused(join(good, { ["base_model.model." .. Q .. ".lora_A.weight"] = { "I32", { 2, 4 }, 1 } }), nil, "I32", "real numbers")
  end)
  it("where the adapter lies in a folder of its name, which is told", function()
    M.safetensors("several/chat/adapter_model.safetensors", factors(Q, 2, 6, 4, 20))
    M.refused("moonweld soup --models base+several", "several: holds no adapter_model.safetensors\nmoonweld: hint: did you mean several/chat?")
  end)
  it("where its names meet nothing", function()
    refused(join(good, factors("model.layers.7.q", 2, 6, 4, 1)), nil, "1 of its 2 modules meet no tensor", "model.layers.7.q")
    refused(factors("h.0.attn", 2, 6, 4, 1), nil, "1 of its 1 modules", "another base")
    refused({ ["base_model.model." .. Q .. ".hada_w1_a"] = tensor(1, 2, 4) }, nil, "a LoHa has hada_w1_a, hada_w1_b, hada_w2_a and hada_w2_b")
    M.refused("moonweld soup --models base+nowhere", "nowhere: no such file or folder")
    for _, word in ipairs { "base+", "base++base" } do M.refused("moonweld soup --models " .. word, "an adapter's name is empty") end
    M.refused("moonweld soup --models " .. adapter(good, '"r": 2, "base_model_name_or_path": "org/missing"'), "LoRA (PEFT) adapter", "org/missing")
    M.refused("moonweld soup --models " .. adapter(good, '"r": 2'), "base_model_name_or_path")
  end)
  it("where a factor is not finite", function()
    local bad = tensor(20, 2, 4)
    bad[3][6] = 1 / 0
    refused(join(good, { ["base_model.model." .. Q .. ".lora_A.weight"] = bad }), nil, "lora_A", "index 5", "NaN or infinite")
  end)
  it("given in the place of a model, with advice", function()
    local folder = adapter(good, '"r": 2')
    M.refused("moonweld soup --models " .. folder .. "/adapter_model.safetensors", "a LoRA (PEFT) adapter", "BASE+ADAPTER")
    M.safetensors("factors.safetensors", good)
    M.refused("moonweld soup --models factors.safetensors", "a LoRA (PEFT) adapter", "BASE+ADAPTER")
  end)
end)
