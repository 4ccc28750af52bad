--- A shared embedding under its other names: what one file holds and another not means the same model, and what is written is tied or not
-- as its configuration says.
package.path = "tests/reports/?.lua;" .. package.path
local M = require "models"

local function E(value) return { "F32", { 6, 4 }, value } end

--- Merges both ways round and gives the outputs' values by name.
local function both(a, b, config, words)
  local outs = {}
  for folder, tensors in pairs { a = a, b = b } do
    os.execute(("rm -rf '%s/%s' '%s/%s.safetensors'"):format(M.folder, folder, M.folder, folder))
    if config then M.model(folder, tensors, config) else M.safetensors(folder .. ".safetensors", tensors) end
  end
  local dot = config and "" or ".safetensors"
  for i, models in ipairs { "--a a%s --b b%s", "--a b%s --b a%s" } do
    local values = {}
    for name, tensor in pairs((M.made(("moonweld lerp " .. models .. " %s"):format(dot, dot, words or "")))) do values[name] = tensor[1] end
    outs[i] = values
  end
  return outs[1], outs[2]
end

describe("a copy of the embedding that one file holds is no tensor of its own", function()
  local types = {
    { "gpt2", "transformer.wte.weight", "lm_head.weight" }, { "gpt2", "wte.weight", "lm_head.weight" }, { "mamba", "backbone.embeddings.weight", "lm_head.weight" },
    { "t5", "shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight" },
    { "bart", "model.shared.weight", "model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight", "lm_head.weight" },
    { "whisper", "model.decoder.embed_tokens.weight", "proj_out.weight" }, { "opt", "model.decoder.embed_tokens.weight", "lm_head.weight" },
    { "bloom", "transformer.word_embeddings.weight", "lm_head.weight" }, { "bert", "bert.embeddings.word_embeddings.weight", "cls.predictions.decoder.weight" },
    { "xlm-roberta", "roberta.embeddings.word_embeddings.weight", "lm_head.decoder.weight" }, { "electra", "electra.embeddings.word_embeddings.weight", "generator_lm_head.weight" },
    { "albert", "albert.embeddings.word_embeddings.weight", "predictions.decoder.weight" }, { "gemma3", "language_model.model.embed_tokens.weight", "language_model.lm_head.weight" },
    { "esm", "esm.embeddings.word_embeddings.weight", "lm_head.decoder.weight" }, { "cohere2", "model.embed_tokens.weight", "lm_head.weight" },
    { "t5gemma", "model.decoder.embed_tokens.weight", "lm_head.out_proj.weight" },
  }
  for _, case in ipairs(types) do
    it(table.concat(case, " "), function()
      local with = {}
      for i = 2, #case do with[case[i]] = E(1) end
      local one, other = both(with, { [case[2]] = E(3) }, '{"model_type": "' .. case[1] .. '"}')
      assert.same({ [case[2]] = 2 }, one)
      assert.same({ [case[2]] = 2 }, other)
    end)
  end
  it("where only the part for texts says that it is tied", function()
    local one, other = both({ ["model.language_model.embed_tokens.weight"] = E(1), ["lm_head.weight"] = E(1) }, { ["model.language_model.embed_tokens.weight"] = E(3) },
      '{"model_type": "qwen2_vl", "text_config": {"tie_word_embeddings": true}}')
    assert.same({ ["model.language_model.embed_tokens.weight"] = 2 }, one)
    assert.same(one, other)
  end)
end)

describe("a tied model that stores its embedding under the head's name alone", function()
  it("meets one that has it under its own", function()
    local one, other = both({ ["lm_head.weight"] = E(1) }, { ["transformer.wte.weight"] = E(3) }, '{"model_type": "gpt2"}')
    assert.same({ ["transformer.wte.weight"] = 2 }, one)
    assert.same(one, other)
    one, other = both({ ["decoder.embed_tokens.weight"] = E(1), ["lm_head.weight"] = E(1) }, { ["shared.weight"] = E(3) }, '{"model_type": "t5"}')
    assert.same({ ["shared.weight"] = 2 }, one)
    assert.same(one, other)
  end)
  it("is written as it is where all do so", function()
    local one = both({ ["lm_head.weight"] = E(1) }, { ["lm_head.weight"] = E(3) }, '{"model_type": "gpt2"}')
    assert.same({ ["lm_head.weight"] = 2 }, one)
  end)
  it("gives an output with both by --tied untie where another model's head differs", function()
    local one = both({ ["lm_head.weight"] = E(1) }, { ["transformer.wte.weight"] = E(3), ["lm_head.weight"] = E(5) }, '{"model_type": "gpt2"}', "--tied untie")
    assert.same({ ["transformer.wte.weight"] = 2, ["lm_head.weight"] = 3 }, one)
  end)
end)

describe("lone files, which have no configuration,", function()
  it("are tied where one holds the embedding twice and another once: the two are the same in the output", function()
    local one, other = both({ ["transformer.wte.weight"] = E(1), ["lm_head.weight"] = E(1) }, { ["transformer.wte.weight"] = E(3) })
    assert.same({ ["transformer.wte.weight"] = 2, ["lm_head.weight"] = 2 }, one)
    assert.same({ ["transformer.wte.weight"] = 2 }, other)
    one = both({ ["transformer.wte.weight"] = E(1), ["lm_head.weight"] = E(1) }, { ["transformer.wte.weight"] = E(3) }, nil, "--missing base")
    assert.same({ ["transformer.wte.weight"] = 2, ["lm_head.weight"] = 2 }, one)
  end)
  it("are not where the head differs", function()
    M.safetensors("a.safetensors", { ["wte.weight"] = E(1), ["lm_head.weight"] = E(2) })
    M.safetensors("b.safetensors", { ["wte.weight"] = E(3) })
    M.refused("moonweld lerp --a a.safetensors --b b.safetensors", "b lacks 1 tensor that a has: 'lm_head.weight'", "1 tensor of 2 would be a's, unmerged")
  end)
end)

it("the encoder of T5Gemma has an embedding of its own, whatever that of the decoder and its head is", function()
  local encoder, decoder, head = "model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight", "lm_head.out_proj.weight"
  local one, other = both({ [encoder] = E(1), [decoder] = E(5), [head] = E(5) }, { [encoder] = E(3), [decoder] = E(7) }, '{"model_type": "t5gemma", "tie_word_embeddings": true}')
  assert.same({ [encoder] = 2, [decoder] = 6 }, one)
  assert.same(one, other)
  assert.same(one, (both({ [encoder] = E(1), [decoder] = E(5) }, { [encoder] = E(3), [decoder] = E(7) }, '{"model_type": "t5gemma"}')))
end)

it("inputs of encoders and decoders are shared where the head is not", function()
  local config = '{"model_type": "t5", "tie_word_embeddings": false}'
  local one, other = both({ ["shared.weight"] = E(1), ["encoder.embed_tokens.weight"] = E(1), ["decoder.embed_tokens.weight"] = E(1), ["lm_head.weight"] = E(7) },
    { ["shared.weight"] = E(3), ["lm_head.weight"] = E(9) }, config)
  assert.same({ ["shared.weight"] = 2, ["lm_head.weight"] = 8 }, one)
  assert.same(one, other)
end)
