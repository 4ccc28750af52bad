--- More schemes of packed weights, as the tools that write them name their tensors; fp8 by all the names and shapes of its scales; and
-- integers that are no weights.
package.path = "tests/reports/?.lua;" .. package.path
local M = require "models"

local X = "model.layers.0.mlp.up_proj"
local function written(tensors, config, files)
  local all = { ["model.norm.weight"] = { "F32", { 4 }, 1 } }
  for name, tensor in pairs(tensors) do all[name:gsub("^%.", X .. ".")] = tensor end
  for _, folder in ipairs { "a", "b" } do
    os.execute("rm -rf '" .. M.folder .. "/" .. folder .. "'")
    M.model(folder, all, '{"model_type": "toy"' .. (config and ", " .. config or "") .. "}", files)
  end
end
local merge = "moonweld lerp --a a --b b"

describe("packed weights", function()
  local schemes = {
    HQQ = { [".W_q"] = { "U8", { 2, 4 }, 7 }, [".scale"] = { "F16", { 4, 1 }, 1 }, [".zero"] = { "F16", { 4, 1 }, 1 } },
    AQLM = { [".codebooks"] = { "F16", { 1, 4, 1, 8 }, 1 }, [".codes"] = { "I16", { 4, 1, 1 }, 1 }, [".scales"] = { "F16", { 4, 1, 1, 1 }, 1 } },
    ["QuIP#"] = { [".Qidxs"] = { "I64", { 4, 1 }, 1 }, [".SU"] = { "F16", { 4 }, 1 }, [".SV"] = { "F16", { 4 }, 1 } },
    ["QuIP# of several parts"] = { [".Qidxs_0"] = { "I64", { 4, 1 }, 1 }, [".SU"] = { "F16", { 4 }, 1 } },
    QTIP = { [".trellis"] = { "I16", { 4, 4 }, 1 }, [".tlut"] = { "F16", { 4 }, 1 } },
    EETQ = { [".weight"] = { "I8", { 4, 4 }, 3 }, [".weight_scales"] = { "F16", { 4 }, 1 } },
    ["bitsandbytes of 8 bits"] = { [".weight"] = { "I8", { 4, 4 }, 3 }, [".SCB"] = { "F32", { 4 }, 1 }, [".weight_format"] = { "U8", {}, 0 } },
    NVFP4 = { [".weight"] = { "U8", { 4, 2 }, 3 }, [".weight_scale"] = { "F8_E4M3", { 4, 1 }, 2 }, [".weight_scale_2"] = { "F32", {}, 2 } },
    ["torchao of 4 bits"] = { [".weight_qdata"] = { "U8", { 4, 2 }, 3 }, [".weight_scale"] = { "F32", { 4, 1 }, 1 } },
    ["quanto of 8 bits"] = { [".weight._data"] = { "I8", { 4, 4 }, 3 }, [".weight._scale"] = { "F32", { 4, 1 }, 1 } },
    ["quanto of 4 bits"] = { [".weight._data._data"] = { "U8", { 2, 4 }, 3 }, [".weight._scale"] = { "F32", { 4, 1 }, 1 } },
    Marlin = { [".B"] = { "I32", { 1, 8 }, 3 }, [".s"] = { "F16", { 1, 4 }, 1 }, [".workspace"] = { "I32", { 16 }, 0 } },
    VPTQ = { [".indices"] = { "I16", { 1, 1, 4 }, 3 }, [".centroids.weight"] = { "F16", { 1, 16 }, 1 } },
    BitNet = { [".weight"] = { "U8", { 1, 4 }, 3 }, [".weight_scale"] = { "BF16", { 1 }, 1 } },
    ["6 bits in bytes, a flat list"] = { [".weight"] = { "U8", { 12 }, 3 }, [".scale"] = { "F16", { 4 }, 1 } },
    ["a scheme that nobody has named"] = { [".packed"] = { "I32", { 2, 4 }, 3 }, [".factor"] = { "F16", { 4 }, 1 } },
    SVDQuant = { [".qweight"] = { "I8", { 4, 2 }, 3 }, [".wscales"] = { "BF16", { 1, 4 }, 1 }, [".lora_down"] = { "BF16", { 4, 2 }, 1 }, [".lora_up"] = { "BF16", { 4, 2 }, 1 } },
    ["SVDQuant by its factors"] = { [".smooth_factor"] = { "BF16", { 4 }, 1 }, [".lora_down"] = { "BF16", { 4, 2 }, 1 }, [".lora_up"] = { "BF16", { 4, 2 }, 1 } },
    ["fp8 with powers of two as scales"] = { [".weight"] = { "F8_E4M3", { 4, 4 }, 56 }, [".weight_scale_inv"] = { "U8", { 1, 1 }, 127 } },
    ["fp8 with a scale of an unknown name"] = { [".weight"] = { "F8_E4M3", { 4, 4 }, 56 }, [".dequant_scale"] = { "F32", { 4 }, 2 } },
  }
  for name, tensors in pairs(schemes) do
    it("are refused with the tensor that shows them, and never by a hint that mixes them: " .. name, function()
      written(tensors)
      local said = M.refused(merge, "a: a quantised input (", " tensor '" .. X, "dequantise it first")
      assert.is_nil(said:find("donor-integers", 1, true), said)
      M.refused(merge .. " --donor-integers --missing base", "a quantised input")
    end)
  end

  for _, key in ipairs { '"quantization_config": {"quant_method": "hqq"}', '"llm_config": {"quantization_config": {"bits": 4}}', '"a": {"b": {"quantization": {"bits": 4}}}' } do
    it("are refused by the configuration alone, and where the tensors are plain --allow quantised leaves the key out: " .. key, function()
      written({ [".weight"] = { "F32", { 4, 4 }, 2 } }, key)
      M.refused(merge, "a quantised input", "in config.json", "its tensors look plain")
      local made, _, out = M.made(merge .. " --allow quantised")
      assert.equal(2, made[X .. ".weight"][1])
      if key:sub(1, 5) ~= '"a": ' then assert.is_nil(M.bytes(out .. "/config.json"):find("quantization", 1, true)) end
    end)
  end

  it("are not seen in integers of other meanings", function()
    written { [".weight"] = { "F32", { 4, 4 }, 1 }, ["attn.relative_position_index"] = { "I64", { 4, 4 }, 5 }, ["attn.relative_position_bias_table"] = { "F32", { 4, 4 }, 1 },
      ["h.0.attn.bias"] = { "U8", { 1, 1, 4, 4 }, 1 }, ["h.0.attn.masked_bias"] = { "F32", {}, -1 }, ["embeddings.token_type_ids"] = { "I64", { 1, 4 }, 0 },
      ["embeddings.position_ids"] = { "I64", { 1, 4 }, 0 }, ["embeddings.scale"] = { "F32", { 1 }, 1 }, ["bn.num_batches_tracked"] = { "I64", {}, 5 },
      ["router.expert_map"] = { "I32", { 2, 4 }, 1 }, ["router.gain"] = { "F32", { 4 }, 1 }, ["codes.lookup"] = { "I64", { 2, 4 }, 1 }, logit_scale = { "F32", {}, 5 } }
    M.made(merge)
  end)
end)

describe("fp8", function()
  local code = { 56, 64, 68, 72 } -- 1, 2, 3, 4
  local function values(shape, scale_shape, name, config)
    local n, m, codes, scales = 1, 1, {}, {}
    for _, size in ipairs(shape) do n = n * size end
    for _, size in ipairs(scale_shape) do m = m * size end
    for i = 1, n do codes[i] = code[i % 4 + 1] end
    for i = 1, m do scales[i] = i end
    written({ ["x.weight"] = { "F8_E4M3", shape, codes }, [name or "x.weight_scale"] = { "F32", scale_shape, scales } }, config)
    local made, said = M.made(merge)
    local list = {}
    for i = 1, n do list[i] = made["x.weight"][i] / (i % 4 + 1) end
    assert.is_nil(made[name or "x.weight_scale"], said)
    return table.concat(list, " "):gsub("%.0", "")
  end
  local shapes = {
    { { 2, 4 }, { 2 }, "1 1 1 1 2 2 2 2" }, { { 2, 4 }, { 2, 1 }, "1 1 1 1 2 2 2 2" }, { { 2, 4 }, { 1, 4 }, "1 2 3 4 1 2 3 4" },
    { { 2, 4 }, { 1, 1 }, "1 1 1 1 1 1 1 1" }, { { 2, 2, 2 }, { 2 }, "1 1 1 1 2 2 2 2" }, { { 2, 2, 2 }, { 2, 1, 1 }, "1 1 1 1 2 2 2 2" },
    { { 2, 2, 2 }, { 2, 2, 1 }, "1 1 2 2 3 3 4 4" }, { { 2, 2, 2 }, { 2, 1, 2 }, "1 2 1 2 3 4 3 4" }, { { 2, 1, 2, 2 }, { 2, 1, 1, 1 }, "1 1 1 1 2 2 2 2" },
    { { 3, 5 }, { 2, 3 }, "1 1 2 2 3 1 1 2 2 3 4 4 5 5 6", '"quantization_config": {"quant_method": "fp8", "weight_block_size": [2, 2]}' },
    { { 2, 4 }, { 2, 2 }, "1 1 2 2 3 3 4 4", '"quantization_config": {"weight_block_size": [1, 2]}' },
  }
  for _, case in ipairs(shapes) do
    it(("is computed with: a scale of [%s] over [%s]"):format(table.concat(case[2], ","), table.concat(case[1], ",")), function()
      assert.equal(case[3], values(case[1], case[2], nil, case[4]))
    end)
  end
  for _, name in ipairs { "x.weight_scale_inv", "x.scale_weight", "x.scale", "x.scales", "x.scale_inv", "x.weight_scales", "x.weight.scale", "x.w_scale" } do
    it("has its scale in " .. name, function() assert.equal("1 1 1 1 2 2 2 2", values({ 2, 4 }, { 2, 1 }, name)) end)
  end
  it("of stacked experts, whose blocks end with each of them", function()
    written({ ["x.gate_up_proj"] = { "F8_E4M3", { 2, 3, 2 }, 56 }, ["x.gate_up_proj_scale"] = { "F32", { 2, 2, 1 }, 1 } }, '"quantization_config": {"weight_block_size": [2, 2]}')
    M.refused(merge, "a quantised input (F8_E4M3 tensor 'x.gate_up_proj')") -- 3 rows an expert in blocks of 2
  end)
  it("leaves what is for activations and caches behind", function()
    written { [".weight"] = { "F8_E4M3", { 2, 2 }, 56 }, [".weight_scale"] = { "F32", {}, 2 }, [".input_scale"] = { "F32", {}, 2 }, [".input_scale_ub"] = { "F32", { 1 }, 2 },
      ["model.layers.0.self_attn.k_scale"] = { "F32", {}, 2 }, ["model.layers.0.self_attn.kv_scale"] = { "F32", {}, 2 }, [".comfy_quant"] = { "U8", { 9 }, 1 } }
    local made, names = M.made(merge), {}
    for name in pairs(made) do names[#names + 1] = name end
    table.sort(names)
    assert.same({ X .. ".weight", "model.norm.weight" }, names)
    assert.equal(2, made[X .. ".weight"][1])
  end)
end)

describe("weights of no elements", function()
  for _, name in ipairs { "model.layers.0.mlp.experts.gate_up_proj", "transformer.h.0.attn.c_attn.weight", "lm_head.bias", "blocks.3.attn.in_proj" } do
    it("are told of: " .. name, function()
      written { [name] = { "F32", { 0 }, 0 } }
      M.refused(merge, "a: tensor '" .. name .. "' has no elements", "zero_to_fp32.py")
      written { [name] = { "F32", { 0, 4 }, 0 } }
      M.refused(merge, "has no elements")
    end)
  end
  it("are markers where they have a name of one word", function()
    written { v_pred = { "F32", { 0 }, 0 }, ztsnr = { "F32", { 0 }, 0 }, ["edm_vpred.sigma_max"] = { "F32", { 0 }, 0 } }
    M.made(merge)
  end)
end)
