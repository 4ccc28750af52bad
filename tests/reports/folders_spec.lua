--- Folders as people have them: what a training left, links of the hub's tool, parts beside the weights.
package.path = "tests/reports/?.lua;" .. package.path
local M = require "models"

local weights = { ["layers.0.w"] = { "BF16", { 2, 2 }, 1 }, ["layers.1.w"] = { "BF16", { 2, 2 }, 2 } }
local other = { ["layers.0.w"] = { "BF16", { 2, 2 }, 3 }, ["layers.1.w"] = { "BF16", { 2, 2 }, 4 } }
M.model("other", other, '{"dtype": "bfloat16"}')

local function names(folder)
  local list = {}
  for name in io.popen(("cd '%s/%s' && find . -type f | sort"):format(M.folder, folder)):lines() do list[#list + 1] = name:sub(3) end
  return list
end

describe("a folder in which a training ran", function()
  it("gives the output what belongs to the model, and nothing else", function()
    local carried = { "LICENSE", "generation_config.json", "preprocessor_config.json", "tokenizer.json", "vocab.txt" }
    local left = { "trainer_state.json", "training_args.bin", "optimizer.pt", "rng_state_0.pth", "scheduler.pt", "latest", "all_results.json",
      "events.out.tfevents.17.host.1", "adapter_config.json", "adapter_model.bin", "quantize_config.json", "model.safetensors.index.fp32.json",
      "pytorch_model.bin.index.json", "rust_model.ot", "model.ckpt", "Model.ONNX", "model.onnx_data", "weights.npz", "flax_model.msgpack",
      "model.gguf", "tf_model.h5", "x.pdparams", "run.log", "checkpoint-500/model.safetensors", "runs/day/events.out.tfevents.1", "logs/x.txt" }
    local files = {}
    for _, list in ipairs { carried, left } do
      for _, name in ipairs(list) do files[name] = "{}" end
    end
    M.model("run", weights, '{"dtype": "bfloat16"}', files)
    local _, said, out = M.made "moonweld lerp --a run --b other"
    local wanted = { "LICENSE", "README.md", "config.json", "generation_config.json", "merge.lock.json", "model.safetensors",
      "preprocessor_config.json", "tokenizer.json", "vocab.txt" }
    assert.same(wanted, names(out))
    assert.is_truthy(said:find("adapter_config.json is not copied: an adapter beside a model is not merged", 1, true))
  end)

  it("may have left another model's files beside those of a sharded one", function()
    M.safetensors("shards/model-00001-of-00002.safetensors", { ["layers.0.w"] = weights["layers.0.w"] })
    M.safetensors("shards/model-00002-of-00002.safetensors", { ["layers.1.w"] = weights["layers.1.w"] })
    for name, text in pairs { ["config.json"] = "{}", ["notes.md"] = "x", ["pytorch_model.bin.index.json"] = "{}", ["OPTIMIZER.BIN"] = "x" } do
      M.write("shards/" .. name, text)
    end
    local _, _, out = M.made "moonweld lerp --a shards --b other"
    assert.same({ "README.md", "config.json", "merge.lock.json", "model.safetensors", "notes.md" }, names(out))
  end)
end)

describe("a folder of links", function()
  local hash = ("0123456789abcdef"):rep(4)
  M.model("cache/models--org--name/made", weights, '{"dtype": "bfloat16"}')
  M.run([[cd cache/models--org--name && mkdir -p blobs snapshots && mv made/model.safetensors blobs/]] .. hash .. [[ && mv made snapshots/]] .. hash:sub(1, 40)
    .. [[ && printf '{"vocab":1}' > blobs/]] .. hash:sub(1, 40) .. [[ && ln -s ../../blobs/]] .. hash .. " snapshots/" .. hash:sub(1, 40) .. "/model.safetensors")

  it("that lead into the hub's cache is a model with all its files", function()
    M.run(([[mkdir -p links other_place && cp other/config.json links && echo secret > other_place/%s && ln -s "$PWD/cache/models--org--name/blobs/%s" links/model.safetensors
      ln -s ../cache/models--org--name/blobs/%s links/tokenizer.json; ln -s ../other_place/%s links/notes.txt]]):format(hash, hash, hash:sub(1, 40), hash))
    local tensors, said, out = M.made "moonweld lerp --a links --b other"
    assert.equal(2, tensors["layers.0.w"][1])
    assert.equal('{"vocab":1}', M.bytes(out .. "/tokenizer.json"))
    assert.is_nil(M.bytes(out .. "/notes.txt"))
    assert.is_truthy(said:find("notes.txt is not copied: it is a link out of the model's folder", 1, true))
  end)

  it("is refused before the merge where its tokenizer is a link that is not followed", function()
    M.run "mkdir -p away lost && cp other/* lost && echo '{}' > away/t && ln -s ../away/t lost/tokenizer.json && ln -s ../away/gone lost/vocab.txt"
    M.refused("moonweld lerp --a lost --b other", "lost/tokenizer.json", "the output would have no tokenizer", "put the file itself in its place")
    M.run "rm lost/tokenizer.json"
    M.refused("moonweld lerp --a lost --b other", "lost/vocab.txt: it cannot be found")
    M.made "moonweld lerp --a other --b lost" -- another input's tokenizer is not carried
  end)

  it("may be the cache without its refs, by id and as a path", function()
    local wanted = M.made "moonweld passthrough --model cache/models--org--name"
    assert.equal(1, wanted["layers.0.w"][1])
    local _, _, out = M.made "HF_HUB_CACHE=cache moonweld passthrough --model org/name"
    assert.is_truthy(M.bytes(out .. "/README.md"):find("org/name at " .. hash:sub(1, 40), 1, true))
    M.made "moonweld passthrough --model cache/models--org--name/"
  end)

  it("is asked which snapshot is meant where there are two and no refs, and which refs name", function()
    local second = ("fedcba98"):rep(5)
    M.model("cache/models--org--name/snapshots/" .. second, other, "{}")
    M.refused("moonweld passthrough --model cache/models--org--name", "2 snapshots", "org/name@COMMIT")
    M.refused("HF_HUB_CACHE=cache moonweld passthrough --model org/name", "2 snapshots")
    assert.equal(3, (M.made("HF_HUB_CACHE=cache moonweld passthrough --model org/name@" .. second))["layers.0.w"][1])
    M.write("cache/models--org--name/refs/main", second .. "\n")
    assert.equal(3, (M.made "moonweld passthrough --model cache/models--org--name")["layers.0.w"][1])
    M.write("cache/models--org--name/refs/main", ("0"):rep(40))
    M.refused("moonweld passthrough --model cache/models--org--name", "no such snapshot")
  end)
end)

describe("config.json of the output", function()
  local function config_of(command)
    local _, _, out = M.made(command)
    local _, said = M.run("moonweld inspect " .. out .. " > inspected")
    return M.bytes(out .. "/config.json"), said
  end

  it("names the dtype of the tensors where the donor's names one that none has", function()
    M.model("said", weights, '{"torch_dtype": "float32", "text_config": {"dtype": "float32"}, "quantization_config": null}')
    local config, said = config_of "moonweld lerp --a said --b other"
    assert.equal('{"torch_dtype": "bfloat16", "text_config": {"dtype": "bfloat16"}, "quantization_config": null}', config)
    assert.is_nil(said:find("dtype", 1, true))
  end)

  it("has the dtype of most elements of a mixed model, a part's own key is enough to ask", function()
    M.model("mixed", { a = { "F32", { 2 }, 1 }, b = { "BF16", { 3 }, 1 }, c = { "BF16", { 2 }, 1 }, ids = { "I64", { 99 }, 1 } },
      '{"dtype": "bfloat16", "vision_config": {"torch_dtype": "float16"}}')
    assert.equal('{"dtype": "bfloat16", "vision_config": {"torch_dtype": "bfloat16"}}', (config_of "moonweld passthrough --model mixed"))
  end)

  it("stays byte for byte where some tensor has the dtype, or where it names none", function()
    for _, text in ipairs { '{"dtype": "float32"}', '{"dtype": "auto"}', '{"dtype": {"text": "float16"}, "x": [ ]}', "{}" } do
      M.model("mixed", { a = { "F32", { 2 }, 1 }, b = { "BF16", { 30 }, 1 } }, text)
      assert.equal(text, (config_of "moonweld passthrough --model mixed"))
    end
  end)
end)
