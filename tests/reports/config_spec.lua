--- More keys of config.json that change what equal weights compute, of all kinds of models; the names of classes; and what stands in the
-- place of a configuration.
package.path = "tests/reports/?.lua;" .. package.path
local M = require "models"

local function pair(a, b)
  for folder, config in pairs { a = a, b = b } do
    os.execute("rm -rf '" .. M.folder .. "/" .. folder .. "'")
    M.model(folder, { ["x.weight"] = { "F32", { 4, 4 }, 1 } }, config)
  end
end
local function with(key, value) return value and ('{"model_type": "toy", "%s": %s}'):format(key, value) or '{"model_type": "toy"}' end
local merge = "moonweld lerp --a a --b b"

describe("configurations that differ are refused", function()
  local keys = {
    { "mlp_hidden_act", '"relu2"', '"silu"' }, { "ffn_activation", '"gelu"', '"swiglu"' }, { "norm_type", '"rms"', '"layer"' }, { "qk_norm", "true", "false" },
    { "moe_topk", "2", "4" }, { "router_activation", '"softmax"', '"sigmoid"' }, { "interleave_moe_layer_step", "1", "2" }, { "expert_layer_offset", "0", "1" },
    { "sliding_window_pattern", "6", "2" }, { "attention_window", "[256, 256]", "[512, 512]" }, { "attention_chunk_size", "8192", nil }, { "cross_attention_layers", "[3, 8]", "[4, 9]" },
    { "time_step_limit", "[0.0, Infinity]", "[0.0, 0.1]" }, { "hybrid_override_pattern", '"M-M*"', '"MM-*"' }, { "layers_block_type", '["mamba", "attention"]', '["attention", "mamba"]' },
    { "pooler_type", '"cls"', '"mean"' }, { "is_causal", "true", "false" }, { "use_bidirectional_attention", "true", "false" }, { "vision_feature_layer", "-2", "-1" },
    { "projector_hidden_act", '"gelu"', '"quick_gelu"' }, { "window_size", "112", "56" }, { "scale_embedding", "true", nil }, { "is_gated_act", "true", "false" }, { "alibi_bias_max", "16", nil },
    { "d_kv", "64", "32" }, { "qk_rope_head_dim", "64", "32" }, { "mamba_n_heads", "8", "16" }, { "guidance_embeds", "true", "false" }, { "conv_stride", "[5, 2]", "[2, 5]" },
  }
  for _, case in ipairs(keys) do
    it(("%s %s and %s"):format(case[1], case[2], case[3] or "absent"), function()
      pair(with(case[1], case[2]), with(case[1], case[3]))
      M.refused(merge, "b: config.json: " .. case[1] .. " is " .. (case[3] or "absent") .. " here and " .. case[2] .. " in a", "--allow config")
      M.refused("moonweld lerp --a b --b a", case[1] .. " is " .. case[2] .. " here")
      pair(with(case[1], case[2]), with(case[1], case[2]))
      local _, said = M.made(merge)
      assert.is_nil(said:find(case[1], 1, true), said)
    end)
  end
end)

describe("names of a classifier's rows", function()
  local function labels(...)
    local parts = {}
    for i, label in ipairs { ... } do parts[i] = ('"%d": "%s"'):format(i - 1, label) end
    return ('{"model_type": "toy", "id2label": {%s}}'):format(table.concat(parts, ", "))
  end
  it("are refused where the same names stand in another order", function()
    pair(labels("negative", "positive"), labels("positive", "negative"))
    M.refused(merge, 'b: config.json: id2label.0 is "positive" here and "negative" in a, id2label.1 is "negative" here and "positive" in a', "--allow config")
    M.made(merge .. " --allow config")
  end)
  it("are a warning where they are other names, and nothing where nobody named them or the numbers differ", function()
    pair(labels("negative", "positive"), labels("neg", "pos"))
    local _, said = M.made(merge)
    assert.is_truthy(said:find('id2label.0 is "neg" here and "negative" in a', 1, true), said)
    for _, other in ipairs { labels("LABEL_0", "LABEL_1"), labels("negative", "positive", "neutral"), '{"model_type": "toy"}' } do
      pair(labels("negative", "positive"), other)
      _, said = M.made(merge)
      assert.is_nil(said:find("id2label", 1, true), said)
    end
  end)
end)

describe("what stands in the place of config.json is named", function()
  local kinds = {
    { "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG picture" }, { "\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG picture" }, { "%PDF-1.7\n", "a PDF document" }, { "\x7fELF\2\1\1\0", "a program" },
    { "model_type: llama\nhidden_size: 4\n", "a text that begins 'model_type: llama'" }, { "<!DOCTYPE html>", "a web page" }, { "", "an empty file" }, { "\0\0\0\0\0\0\0\0", "nothing but zeros" },
    { "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 3\n", "a git-lfs pointer" }, { "\xef\xbb\xbf{}", "a byte order mark" }, { "\x80\4\x95", "a pickle" },
    { '{"error": "Repository not found"}', "a server's answer, error: \"Repository not found\"" }, { '{"detail": "Not authenticated"}', "a server's answer, detail" },
  }
  for _, kind in ipairs(kinds) do
    it(kind[2], function()
      pair('{"model_type": "toy"}', kind[1])
      M.refused(merge, "b/config.json: found ", kind[2])
      local code, said = M.run "moonweld inspect b"
      assert.equal(65, code, said)
      assert.is_truthy(said:find(kind[2], 1, true), said)
    end)
  end
end)
