--- Inputs whose shapes agree and that still do not mean the same: configurations, tokenizers, codes of weights, missing weights,
-- tied tensors.
package.path = "tests/reports/?.lua;" .. package.path
local M = require "models"

local function llama(fill, more)
  local tensors = {
    ["model.embed_tokens.weight"] = { "F32", { 6, 4 }, fill }, ["model.layers.0.mlp.up_proj.weight"] = { "F32", { 4, 4 }, fill },
    ["lm_head.weight"] = { "F32", { 6, 4 }, fill },
  }
  for name, tensor in pairs(more or {}) do tensors[name] = tensor or nil end
  return tensors
end
local function config(more)
  return '{"model_type": "llama", "num_hidden_layers": 1, "hidden_size": 4, "vocab_size": 6, "num_attention_heads": 2, "tie_word_embeddings": false' ..
    (more and ", " .. more or "") .. "}"
end
local function pair(a, b, files_a, files_b)
  os.execute("rm -rf '" .. M.folder .. "/a' '" .. M.folder .. "/b'")
  M.model("a", llama(1), config(a), files_a)
  M.model("b", llama(3), config(b), files_b)
end
local merge = "moonweld lerp --a a --b b"

describe("configurations that give equal weights another meaning", function()
  local different = {
    { "rope_theta", '"rope_theta": 1000000.0', '"rope_theta": 10000.0' },
    { "rope_theta", '"rope_theta": 1000000.0', nil },
    { "rope_theta", '"rope_parameters": {"rope_theta": 500000.0, "rope_type": "default"}', '"rope_theta": 10000' },
    { "factor", '"rope_scaling": {"type": "linear", "factor": 2.0}', '"rope_scaling": {"type": "linear", "factor": 4.0}' },
    { "rope_type", '"rope_scaling": {"rope_type": "yarn", "factor": 2.0}', '"rope_scaling": null' },
    { "rms_norm_eps", '"rms_norm_eps": 1e-05', '"rms_norm_eps": 1e-06' },
    { "hidden_act", '"hidden_act": "silu"', '"hidden_act": "gelu"' },
    { "num_key_value_heads", '"num_key_value_heads": 1', nil, "warning" },
    { "sliding_window", '"sliding_window": 4096', nil },
    { "logits_scaling", '"logits_scaling": 8.0', nil },
    { "num_experts_per_tok", '"num_experts_per_tok": 2', '"num_experts_per_tok": 1' },
    { "layer_types", '"layer_types": ["full_attention"]', '"layer_types": ["sliding_attention"]' },
    { "text_config.rope_theta", '"text_config": {"rope_theta": 5}', '"text_config": {"rope_theta": 6}' },
  }
  for _, case in ipairs(different) do
    if not case[4] then
      it("are refused with key and both values, in merges and plans, whichever is the donor: " .. case[1] .. " " .. case[2], function()
        pair(case[2], case[3])
        M.refused(merge, "b: config.json: " .. case[1] .. " is", "--allow config merges them all the same")
        M.refused("moonweld lerp --a b --b a", case[1] .. " is")
        local code = M.run "moonweld plan lerp --a a --b b"
        assert.equal(65, code)
        local _, said = M.run "moonweld diff a b"
        assert.is_truthy(said:find(case[1] .. " is", 1, true))
      end)
    end
  end

  it("are let through by --allow config, which says whose values hold", function()
    pair('"rope_theta": 1000000.0', '"rope_theta": 10000.0')
    local _, said = M.made(merge .. " --allow config")
    assert.is_truthy(said:find("let through by --allow config, the output computes with a's", 1, true))
  end)

  it("are one where only the spelling differs, or what names and counts", function()
    local same = {
      { '"rope_theta": 10000', '"rope_theta": 1e4' }, { '"rope_theta": 10000.0', nil }, { '"rope_scaling": null', nil },
      { '"rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}', '"rope_theta": 10000.0, "rope_scaling": null' },
      { '"rope_scaling": {"type": "linear", "factor": 2}', '"rope_parameters": {"rope_type": "linear", "factor": 2.0}' },
      { '"sliding_window": 4096, "use_sliding_window": false', '"sliding_window": 32768, "use_sliding_window": false' },
      { '"rope_theta": 1000000.0, "rope_local_base_freq": 10000.0, "rope_scaling": {"factor": 8.0, "rope_type": "linear"}',
        '"rope_parameters": {"full_attention": {"rope_theta": 1000000.0, "rope_type": "linear", "factor": 8.0}, ' ..
        '"sliding_attention": {"rope_theta": 10000.0, "rope_type": "default"}}' },
      { '"global_rope_theta": 160000.0, "local_rope_theta": 10000.0',
        '"rope_parameters": {"full_attention": {"rope_theta": 160000.0, "rope_type": "default"}, "sliding_attention": {"rope_theta": 10000.0}}' },
      { '"rope_theta": 5e5, "rope_scaling": {"type": "mrope", "mrope_section": [1]}', '"rope_parameters": {"rope_theta": 5e5, "rope_type": "default", "mrope_section": [1]}' },
      { '"rope_scaling": {"type": "su", "short_factor": [1.0]}', '"rope_scaling": {"rope_type": "longrope", "short_factor": [1.0]}' },
      { '"rope_theta": 5e5, "sliding_window": 64, "use_sliding_window": false',
        '"text_config": {"rope_theta": 5e5, "use_sliding_window": false, "layer_types": ["full_attention"], "sliding_window": null}' },
      { '"hidden_act": "gelu_new"', '"hidden_act": "gelu_pytorch_tanh"' }, { '"hidden_act": "swish"', '"hidden_act": "silu"' },
      { '"rotary_pct": 0.25, "rotary_emb_base": 20000', '"rope_parameters": {"partial_rotary_factor": 0.25, "rope_theta": 20000.0}' },
      { '"feed_forward_proj": "gated-gelu"', '"feed_forward_proj": "gated-gelu", "is_gated_act": true, "dense_act_fn": "gelu_new"' },
      { '"mlp_only_layers": [], "num_experts": 4', '"num_local_experts": 4' }, { '"attention_bias": false, "mlp_bias": false', nil },
      { '"layer_types": ["full_attention"]', nil }, { '"hidden_act": "silu"', nil },
      { '"head_dim": 2', nil }, { '"num_key_value_heads": 2', nil },
      { '"_name_or_path": "x", "torch_dtype": "float32", "use_cache": true, "transformers_version": "4.40", "max_position_embeddings": 64',
        '"_name_or_path": "y", "use_cache": false, "transformers_version": "5.0", "max_position_embeddings": 128' },
    }
    for _, case in ipairs(same) do
      pair(case[1], case[2])
      local _, said = M.made(merge)
      assert.is_nil(said:find("config.json", 1, true), said)
    end
  end)

  it("mean by an absent key, and by null, what it means in their architecture", function()
    local function toys(kind, a, b)
      for name, more in pairs { a = a, b = b } do
        M.model(name, { w = { "F32", { 2 }, 1 } }, ('{"model_type": "%s"%s}'):format(kind, more))
      end
    end
    local gemma = ', "rope_theta": 1000000.0, "hidden_activation": "gelu_pytorch_tanh", "layer_types": ["sliding_attention", "sliding_attention", "full_attention"]'
    toys("gemma3_text", gemma, ', "sliding_window_pattern": 3')
    assert.is_nil(select(2, M.made(merge)):find("config.json: [rhl]"))
    toys("gemma3_text", ', "rope_theta": 10000.0', "")
    M.refused(merge, "rope_theta is absent here and 10000.0 in a")
    toys("gemma3_text", ', "layer_types": ["full_attention"]', "")
    assert.is_truthy(select(2, M.made(merge)):find("layer_types is absent here", 1, true))
    toys("gemma", ', "hidden_act": "gelu"', ', "hidden_act": "gelu_pytorch_tanh"')
    assert.is_nil(select(2, M.made(merge)):find("hidden_act", 1, true))
    toys("bert", ', "hidden_act": "gelu"', ', "hidden_act": "gelu_pytorch_tanh"')
    M.refused(merge, "hidden_act is")
    toys("mistral3x", ', "sliding_window": 4096', ', "sliding_window": null')
    M.refused(merge, "sliding_window is absent here and 4096 in a")
    toys("cohere2", ', "sliding_window": 4096', "")
    assert.is_nil(select(2, M.made(merge)):find("sliding_window", 1, true))
    toys("cohere2", ', "sliding_window": null', "")
    M.refused(merge, "sliding_window is absent here and null in a")
  end)

  it("are warned of where a key is not known, or absent on one side without a known default", function()
    pair('"some_new_switch": true', '"some_new_switch": false')
    local _, said = M.made(merge)
    assert.is_truthy(said:find("b: config.json: some_new_switch is false here and true in a; the output has a's", 1, true))
    pair('"num_key_value_heads": 1', nil)
    _, said = M.made(merge)
    assert.is_truthy(said:find("num_key_value_heads is absent here and 1 in a", 1, true))
  end)
end)

describe("tokenizers", function()
  local function tokenizer(vocab, added)
    local parts, more = {}, {}
    for i, token in ipairs(vocab) do parts[i] = ('"%s": %d'):format(token, i - 1) end
    for i, token in ipairs(added or {}) do more[i] = ('{"id": %d, "content": "%s", "special": true}'):format(#vocab + i - 1, token) end
    return '{"model": {"type": "BPE", "vocab": {' .. table.concat(parts, ", ") .. '}}, "added_tokens": [' .. table.concat(more, ", ") .. "]}"
  end
  it("whose ordinary tokens differ at equal ids are refused, and --allow tokenizer says what it mixes", function()
    pair(nil, nil, { ["tokenizer.json"] = tokenizer { "a", "b", "c", "d" } }, { ["tokenizer.json"] = tokenizer { "a", "c", "b", "d" } })
    M.refused(merge, "b: tokenizer: 2 of 4 ordinary tokens differ at equal ids: 1 is 'c' here and 'b' in a")
    local _, said = M.made(merge .. " --allow tokenizer")
    assert.is_truthy(said:find("let through by --allow tokenizer", 1, true))
  end)
  it("whose added tokens were renamed are merged, with a warning that lists them", function()
    pair(nil, nil, { ["tokenizer.json"] = tokenizer({ "a", "b" }, { "<|reserved_0|>" }) }, { ["tokenizer.json"] = tokenizer({ "a", "b" }, { "<|im_start|>" }) })
    local _, said = M.made(merge)
    assert.is_truthy(said:find("1 added token differs at equal ids: 2 is '<|im_start|>' here and '<|reserved_0|>' in a", 1, true))
  end)
  it("that say the same in other words pass without one", function()
    pair(nil, nil, { ["tokenizer.json"] = tokenizer { "a", "b", "\\u00e9" } }, { ["vocab.json"] = '{"é": 2, "b": 1, "a": 0}' })
    local _, said = M.made(merge)
    assert.is_nil(said:find("token", 1, true), said)
  end)
  it("are compared however the file is laid out, and one that is cut off is told of", function()
    local merges = '"merges": [["a", "b}"], ["{", "]\\\""]]'
    local function laid(model, rest) return '{"added_tokens": [], "model": ' .. model .. (rest or "}") end
    local first = { ["tokenizer.json"] = laid('{"vocab": {"a": 0, "b": 1}, ' .. merges .. "}") }
    pair(nil, nil, first, { ["tokenizer.json"] = laid("{" .. merges .. ', "vocab": {"b": 0, "a": 1}}') })
    M.refused(merge, "b: tokenizer: 2 of 2 ordinary tokens differ")
    pair(nil, nil, first, { ["tokenizer.json"] = laid('{"v\\u006fcab": {"b": 0, "a": 1}}') })
    M.refused(merge, "b: tokenizer: 2 of 2 ordinary tokens differ")
    pair(nil, nil, first, { ["tokenizer.json"] = laid('{"vocab": {"a": 0, "b": 1}, "merges": []}', ', "truncation": {"max_length": 9}}') })
    local _, silent = M.made(merge)
    assert.is_nil(silent:find("token", 1, true), silent)
    pair(nil, nil, first, { ["tokenizer.json"] = laid('{"vocab": {"a": 0, "a": 1}}') }) -- a token that occurs twice is met under both ids
    M.refused(merge, "b: tokenizer: 1 of 2 ordinary tokens differ at equal ids: 1 is 'a' here and 'b' in a")
    for _, broken in ipairs { laid('{"vocab": {"a": 0, "b": 1}, "merges": [["a', ""), laid('{"vocab": {"a": 0, "b"}}') } do
      pair(nil, nil, first, { ["tokenizer.json"] = broken })
      M.refused(merge, "b: its tokenizer cannot be compared with a's: b/tokenizer.json: ", "--allow tokenizer merges without comparing")
      local _, said = M.made(merge .. " --allow tokenizer")
      assert.is_truthy(said:find("b: its tokenizer was not compared with a's: b/tokenizer.json: ", 1, true), said)
    end
  end)
end)

describe("weights that were never written", function()
  local function tensors(first, second, rest)
    local t = { ["a.weight"] = { "F32", { 64, 32 }, first }, ["b.weight"] = { "F32", { 64, 32 }, second }, ["c.bias"] = { "F32", { 8 }, 0 } }
    for name, tensor in pairs(rest or {}) do t[name] = tensor end
    return t
  end
  M.safetensors("full.safetensors", tensors(1, 2))
  it("are refused where a file holds nothing else", function()
    M.safetensors("wreck.safetensors", tensors(0, 0))
    for _, words in ipairs { "--a full.safetensors --b wreck.safetensors", "--a wreck.safetensors --b full.safetensors" } do
      M.refused("moonweld lerp " .. words, "wreck.safetensors: nothing but zeros behind its header", "fetch it again")
      local _, said = M.made("moonweld lerp --allow empty " .. words)
      assert.is_truthy(said:find("wreck.safetensors: nothing but zeros behind its header, let through by --allow empty", 1, true), said)
    end
  end)
  it("are named where another model has values there", function()
    M.safetensors("part.safetensors", tensors(3, 0))
    local _, said = M.made "moonweld soup --models full.safetensors part.safetensors"
    assert.is_truthy(said:find("models[2]: 1 weight is zeros, in whole or from some byte on, where models[1] has values: 'b.weight'; was the file cut off?", 1, true), said)
    _, said = M.made "moonweld soup --models part.safetensors full.safetensors"
    assert.is_truthy(said:find("models[1]: 1 weight is zeros", 1, true), said)
  end)
  it("are no accident where all models have zeros, or where they are few", function()
    M.safetensors("other.safetensors", tensors(5, 0))
    M.safetensors("small.safetensors", { ["a.weight"] = { "F32", { 8, 8 }, 0 } })
    local _, said = M.made "moonweld soup --models part.safetensors other.safetensors"
    assert.is_nil(said:find("zeros", 1, true), said)
    _, said = M.made "moonweld soup --models small.safetensors small.safetensors"
    assert.is_nil(said:find("zeros", 1, true), said)
  end)
  it("are found in a download that was cut off in a file of its full size", function()
    local size = #M.bytes "full.safetensors"
    M.run(("cp full.safetensors cut.safetensors; truncate -s %d cut.safetensors; truncate -s %d cut.safetensors"):format(size - 8192 - 100, size))
    local _, said = M.made "moonweld soup --models full.safetensors cut.safetensors"
    assert.is_truthy(said:find("weight", 1, true) and said:find("where models[1] has values", 1, true) and said:find("'b.weight'", 1, true), said)
  end)
end)

describe("plan --explain", function()
  it("tells all that does not fit, the first as the error", function()
    local function tokenizer(text) return { ["tokenizer.json"] = text } end
    pair(nil, '"rope_theta": 5, "hidden_act": "relu"', tokenizer '{"model": {"vocab": {"a": 0, "b": 1}}}', tokenizer '{"model": {"vocab": {"b": 0, "a": 1}}}')
    local plan = merge:gsub("lerp", "plan lerp")
    local code, said = M.run(plan .. " --explain")
    assert.equal(65, code, said)
    assert.is_truthy(said:find("warning: b: tokenizer: 2 of 2 ordinary tokens differ at equal ids: 0 is 'b' here and 'a' in a, 1 is 'a' here and 'b' in a (", 1, true), said)
    assert.is_truthy(said:find("moonweld: error: b: config.json: rope_theta", 1, true), said)
    code, said = M.run(plan)
    assert.equal(65, code, said)
    assert.is_nil(said:find("tokenizer", 1, true), said)
  end)
  it("has the findings of a plan that can be made as JSON", function()
    pair(nil, '"torch_dtype": "float16"')
    local _, said = M.run(merge:gsub("lerp", "plan lerp") .. " --explain --json")
    assert.is_truthy(said:find('"findings":["b: config.json: the dtype is', 1, true), said)
  end)
end)

describe("codes of weights", function()
  local schemes = {
    ["fp8 whose scale fits nothing"] = { ["x.weight"] = { "F8_E4M3", { 2, 2 }, 56 }, ["x.weight_scale"] = { "F32", { 3 }, 2 } },
    ["fp8 with scales of eight bits"] = { ["x.weight"] = { "F8_E4M3", { 2, 2 }, 56 }, ["x.weight_scale"] = { "U8", { 2, 1 }, 2 } },
    ["fp8 marked, without a scale"] = { ["x.weight"] = { "F8_E4M3", { 2, 2 }, 56 }, ["scaled_fp8"] = { "F8_E4M3", { 2 }, 0 } },
    mlx = { ["x.weight"] = { "U32", { 2, 2 }, 7 }, ["x.scales"] = { "F16", { 2, 1 }, 1 }, ["x.biases"] = { "F16", { 2, 1 }, 1 } },
    mxfp4 = { ["x.gate_up_proj_blocks"] = { "U8", { 2, 2, 2 }, 7 }, ["x.gate_up_proj_scales"] = { "U8", { 2, 2 }, 7 } },
    gptq = { ["x.qweight"] = { "I32", { 2, 2 }, 7 }, ["x.qzeros"] = { "I32", { 1, 2 }, 7 }, ["x.scales"] = { "F16", { 1, 2 }, 1 } },
    int8 = { ["x.weight"] = { "I8", { 2, 2 }, 7 }, ["x.weight_scale"] = { "F32", { 2 }, 1 } },
    ["int8 alone"] = { ["x.weight"] = { "I8", { 2, 2 }, 7 } },
    bitsandbytes = { ["x.weight"] = { "U8", { 8, 1 }, 7 }, ["x.weight.absmax"] = { "F32", { 2 }, 1 } },
    exl3 = { ["x.trellis"] = { "I16", { 2, 2, 2 }, 7 }, ["x.suh"] = { "F16", { 2 }, 1 } },
    vptq = { ["x.centroids.weight"] = { "F16", { 1, 4 }, 1 }, ["x.indices"] = { "I32", { 2, 2 }, 7 }, ["x.invert_perm"] = { "I16", { 4 }, 0 } },
    spqr = { ["x.dense_weights"] = { "I64", { 4 }, 7 }, ["x.row_offsets"] = { "I32", { 2 }, 7 } },
    ["compressed-tensors"] = { ["x.weight_packed"] = { "I32", { 2, 2 }, 7 }, ["x.weight_shape"] = { "I64", { 2 }, 7 } },
  }
  for name, tensors in pairs(schemes) do
    it("are refused and never hinted away: " .. name, function()
      M.safetensors("codes.safetensors", tensors)
      local said = M.refused("moonweld lerp --a codes.safetensors --b codes.safetensors", "a quantised input")
      assert.is_nil(said:find("donor-integers", 1, true), said)
      M.refused("moonweld lerp --a codes.safetensors --b codes.safetensors --donor-integers", "a quantised input")
    end)
  end
  for _, key in ipairs { '"quantization_config": {"quant_method": "x"}', '"quantization": {"bits": 4}', '"text_config": {"quantization_config": {"bits": 4}}' } do
    it("are known by the configuration: " .. key, function()
      pair(key, key)
      M.refused(merge, "a quantised input", "in config.json")
    end)
  end
  it("are not seen in plain models with scales, masks and indices", function()
    local plain = { ["norm.scale"] = { "F32", { 2 }, 1 }, ["norm.weight"] = { "F32", { 2, 2 }, 1 }, ["attn.mask"] = { "BOOL", { 2, 2 }, 1 },
      ["position_ids"] = { "I64", { 1, 4 }, 3 }, ["relative_index"] = { "I32", { 2, 2 }, 1 }, ["bn.num_batches_tracked"] = { "I64", {}, 9 },
      ["fp8.weight"] = { "F8_E4M3", { 2, 2 }, 56 } }
    M.safetensors("plain.safetensors", plain)
    M.made "moonweld lerp --a plain.safetensors --b plain.safetensors"
  end)
end)

describe("fp8 weights with their scales", function()
  local one, two = 0x38, 0x40 -- 1 and 2 in E4M3
  local names = { "x.weight_scale", "x.weight_scale_inv", "x.scale_weight", "x.scale" }
  for _, name in ipairs(names) do
    it("are computed with, value times scale, and written as bf16: " .. name, function()
      M.safetensors("a.safetensors", { ["x.weight"] = { "F8_E4M3", { 2, 2 }, one }, [name] = { "F32", { 1 }, 1 }, ["x.input_scale"] = { "F32", {}, 9 } })
      M.safetensors("b.safetensors", { ["x.weight"] = { "F8_E4M3", { 2, 2 }, two }, [name] = { "F32", { 1 }, 3 }, ["x.input_scale"] = { "F32", {}, 9 } })
      local made = M.made "moonweld lerp --a a.safetensors --b b.safetensors"
      assert.same({ ["x.weight"] = { dtype = "BF16", shape = "2,2", 3.5, 3.5, 3.5, 3.5 } }, made)
      assert.equal("F32", M.made("moonweld lerp --a a.safetensors --b b.safetensors --dtype f32")["x.weight"].dtype)
    end)
  end

  it("have a scale of all, one a row, or one a block of 128 by 128", function()
    M.safetensors("rows.safetensors", { ["x.weight"] = { "F8_E4M3", { 2, 3 }, one }, ["x.weight_scale"] = { "BF16", { 2, 1 }, { 2, 4 } } })
    assert.same({ 2, 2, 2, 4, 4, 4 }, { table.unpack(M.made("moonweld passthrough --model rows.safetensors")["x.weight"]) })
    M.safetensors("blocks.safetensors", { ["x.weight"] = { "F8_E4M3", { 129, 130 }, one }, ["x.weight_scale_inv"] = { "F32", { 2, 2 }, { 2, 4, 8, 16 } } })
    local made = M.made("moonweld passthrough --model blocks.safetensors")["x.weight"]
    assert.same({ 2, 2, 4, 4, 8, 16 }, { made[1], made[128], made[129], made[130], made[128 * 130 + 1], made[129 * 130] })
  end)

  it("are those of E5M2 too, subnormal codes and signs included", function()
    M.safetensors("odd.safetensors", { ["x.weight"] = { "F8_E5M2", { 1, 4 }, { 0x3c, 0xbc, 0x01, 0x7b } }, ["x.weight_scale"] = { "F32", {}, 2 } })
    local made = M.made "moonweld passthrough --model odd.safetensors --dtype f32"
    assert.same({ 2, -2, 2.0 ^ -15, 2 * 57344.0 }, { table.unpack(made["x.weight"]) })
  end)

  it("merge with a model in bf16, whose dtype the output then has; config.json no longer says quantised", function()
    local fp8 = '{"model_type": "toy", "quantization_config": {"quant_method": "fp8"}, "x": 1}'
    M.model("codes", { ["x.weight"] = { "F8_E4M3", { 2 }, two }, ["x.weight_scale"] = { "F32", {}, 3 } }, fp8)
    M.model("plain", { ["x.weight"] = { "BF16", { 2 }, 2 } }, '{"model_type": "toy", "x": 1}')
    assert.same({ dtype = "BF16", shape = "2", 4, 4 }, M.made("moonweld lerp --a plain --b codes")["x.weight"])
    local made, _, out = M.made "moonweld lerp --a codes --b plain"
    assert.same({ dtype = "BF16", shape = "2", 4, 4 }, made["x.weight"])
    assert.equal('{"model_type": "toy", "x": 1}', M.bytes(out .. "/config.json"))
  end)
end)

describe("weights that are not there", function()
  it("are named, where a sharded training was saved without being gathered", function()
    M.safetensors("holes.safetensors", { ["model.layers.0.up.weight"] = { "F32", { 0 }, 0 }, ["norm.weight"] = { "F32", { 2 }, 1 } })
    M.refused("moonweld soup --models holes.safetensors holes.safetensors", "'model.layers.0.up.weight' has no elements", "zero_to_fp32.py")
    M.made "moonweld soup --models holes.safetensors holes.safetensors --allow empty"
  end)
  it("are no markers: empty tensors of other names pass", function()
    M.safetensors("marked.safetensors", { v_pred = { "F32", { 0 }, 0 }, ["norm.weight"] = { "F32", { 2 }, 1 } })
    M.made "moonweld lerp --a marked.safetensors --b marked.safetensors"
  end)
end)

describe("a tied tensor that only one file holds", function()
  local models = {
    gpt2 = { "transformer.wte.weight", "lm_head.weight" }, t5 = { "shared.weight", "encoder.embed_tokens.weight" },
    bert = { "bert.embeddings.word_embeddings.weight", "cls.predictions.decoder.weight" },
    roberta = { "lm_head.bias", "lm_head.decoder.bias" },
    whisper = { "model.decoder.embed_tokens.weight", "proj_out.weight" }, smollm3 = { "model.embed_tokens.weight", "lm_head.weight" },
  }
  for kind, names in pairs(models) do
    it("means the same model, whichever has it: " .. kind, function()
      local values = {}
      for i = 1, 8 do values[i] = i end
      local function tensors(alias)
        return { [names[1]] = { "F32", { 4, 2 }, values }, ["x.layers.0.w"] = { "F32", { 2 }, 1 }, [names[2]] = alias and { "F32", { 4, 2 }, values } or nil }
      end
      os.execute("rm -rf '" .. M.folder .. "/with' '" .. M.folder .. "/without'")
      M.model("with", tensors(true), '{"model_type": "' .. kind .. '"}')
      M.model("without", tensors(false), '{"model_type": "' .. kind .. '"}')
      for _, order in ipairs { "--a with --b without", "--a without --b with", "--a with --b with" } do
        local made = M.made("moonweld lerp " .. order)
        assert.is_nil(made[names[2]])
        assert.same(values, { table.unpack(made[names[1]]) })
      end
    end)
  end
  it("is no alias where it differs: the choice is the user's", function()
    os.execute("rm -rf '" .. M.folder .. "/odd'")
    M.model("odd", { ["shared.weight"] = { "F32", { 2 }, 1 }, ["encoder.embed_tokens.weight"] = { "F32", { 2 }, 2 } }, '{"model_type": "t5"}')
    M.refused("moonweld lerp --a odd --b odd", "'encoder.embed_tokens.weight' to 'shared.weight', but the two differ")
  end)
end)

describe("variances of a batch norm", function()
  it("that a merge makes negative stop it, by the tensor's name", function()
    M.safetensors("one.safetensors", { ["bn.running_var"] = { "F32", { 3 }, { 1, 2, 3 } } })
    M.safetensors("two.safetensors", { ["bn.running_var"] = { "F32", { 3 }, { 3, 2.5, 3 } } })
    M.refused("moonweld task_arithmetic --base one.safetensors --experts two.safetensors --scale -1",
      "tensor 'bn.running_var' of the result: 1 of 3 variances are below 0, the least -1")
    M.made "moonweld lerp --a one.safetensors --b two.safetensors"
  end)
end)

describe("a configuration as Python writes it", function()
  it("may hold Infinity and NaN, which stay as they are", function()
    local odd = '"time_step_limit": [0.0, Infinity], "low": -Infinity, "odd": NaN, "text": "Infinity"'
    pair(odd, odd)
    local _, _, out = M.made(merge .. " --dtype bf16")
    assert.is_truthy(M.bytes(out .. "/config.json"):find(odd, 1, true))
  end)
end)
