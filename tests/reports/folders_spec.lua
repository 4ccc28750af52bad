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
      "model.gguf", "tf_model.h5", "x.pdparams", "run.log", "ae.sft",
      "last.torchscript", "model.pt2", "model.trt", "model.mnn", "checkpoint", "variables.index",
      "model.zip", "model.tar.gz", "model.safetensors.part", "model.safetensors.aria2", "old.safetensors.bak", "smash_config.json", "awq_config.json", "recipe.yaml",
      "ort_config.json", "quant_log.csv", "slurm-12.out", "wandb-summary.json", "data.parquet", "data-00000-of-00001.arrow", "Thumbs.db",
      "checkpoint-500/model.safetensors", "runs/day/events.out.tfevents.1", "logs/x.txt" }
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

describe("a model of diffusers", function()
  local config = '{"_class_name": "UNet2DConditionModel", "sample_size": 8}'
  local function unet(folder, fill)
    local stem = folder .. "/diffusion_pytorch_model"
    M.safetensors(stem .. "-00001-of-00002.safetensors", { ["down.w"] = { "F32", { 2 }, fill } })
    M.safetensors(stem .. "-00002-of-00002.safetensors", { ["up.w"] = { "F32", { 2 }, fill + 1 } })
    M.write(stem .. ".safetensors.index.json", '{"metadata": {"total_size": 16}, "weight_map": {"down.w": "diffusion_pytorch_model-00001-of-00002.safetensors", '
      .. '"up.w": "diffusion_pytorch_model-00002-of-00002.safetensors"}}')
    M.write(folder .. "/config.json", config)
  end
  unet("pipe_a/unet", 1)
  unet("pipe_b/unet", 3)

  it("is merged under the names that diffusers loads, as one file or as shards with their index", function()
    local _, _, out = M.made "moonweld lerp --a pipe_a/unet --b pipe_b/unet"
    local tensors = M.read(out .. "/diffusion_pytorch_model.safetensors")
    assert.same({ 2, 2, 3, 3 }, { tensors["down.w"][1], tensors["down.w"][2], tensors["up.w"][1], tensors["up.w"][2] })
    assert.same({ "README.md", "config.json", "diffusion_pytorch_model.safetensors", "merge.lock.json" }, names(out))
    assert.equal(config, M.bytes(out .. "/config.json"))
    assert.is_truthy(M.bytes(out .. "/README.md"):find("library_name: diffusers", 1, true))
    _, _, out = M.made "moonweld lerp --a pipe_a/unet --b pipe_b/unet --shard-size 8"
    assert.same({ "README.md", "config.json", "diffusion_pytorch_model-00001-of-00002.safetensors", "diffusion_pytorch_model-00002-of-00002.safetensors",
      "diffusion_pytorch_model.safetensors.index.json", "merge.lock.json" }, names(out))
    assert.is_truthy(M.bytes(out .. "/diffusion_pytorch_model.safetensors.index.json"):find('"up.w": "diffusion_pytorch_model-00002-of-00002.safetensors"', 1, true))
    M.made("moonweld lerp --a " .. out .. " --b pipe_b/unet/diffusion_pytorch_model.safetensors.index.json")
  end)

  it("may have lost its index, and is told of a shard that is missing", function()
    unet("counted", 5)
    M.run "rm counted/*.index.json"
    local _, _, out = M.made "moonweld lerp --a counted --b pipe_b/unet"
    assert.equal(4, M.read(out .. "/diffusion_pytorch_model.safetensors")["down.w"][1])
    M.run "rm counted/*-00002-of-00002.safetensors"
    M.refused("moonweld lerp --a counted --b pipe_b/unet", "shards are missing: diffusion_pytorch_model-00002-of-00002.safetensors")
  end)

  it("is told of where one shard of it is given, or shards of another name", function()
    local shard = "unet/diffusion_pytorch_model-00001-of-00002.safetensors"
    local _, said = M.made("moonweld lerp --a pipe_a/" .. shard .. " --b pipe_b/" .. shard)
    assert.is_truthy(said:find("is one of 2 shards: only what it holds is merged", 1, true))
    M.safetensors("odd/weights-00001-of-00003.safetensors", { w = { "F32", { 2 }, 1 } })
    local refused = M.refused("moonweld lerp --a odd --b odd", "holds no model.safetensors", "it is one of 3 shards")
    assert.is_nil(refused:find("give that file itself", 1, true))
  end)
end)

describe("a model of sentence-transformers", function()
  local function embedder(folder, fill, files)
    M.model(folder, { ["embeddings.w"] = { "F32", { 2 }, fill } }, '{"torch_dtype": "float32"}', { ["modules.json"] =
      '[{"idx": 0, "path": ""}, {"idx": 1, "path": "1_Pooling"}, {"idx": 2, "path": "2_Dense"}, {"idx": 3, "path": "3_Normalize", '
      .. '"type": "sentence_transformers.models.Normalize"}]',
      ["1_Pooling/config.json"] = '{"pooling_mode_mean_tokens": true}', ["2_Dense/config.json"] = '{"out_features": 2}', ["2_Dense/pytorch_model.bin"] = "old" })
    M.safetensors(folder .. "/2_Dense/model.safetensors", { ["linear.weight"] = { "F32", { 2 }, fill * 10 }, ["linear.bias"] = { "F16", { 1 }, fill } })
    for name, bytes in pairs(files or {}) do M.write(folder .. "/" .. name, bytes) end
  end
  embedder("dense_a", 1)
  embedder("dense_b", 3)
  embedder("dense_base", 0)

  it("is merged with its dense layers; the folders that modules.json names are carried", function()
    local tensors, said, out = M.made "moonweld lerp --a dense_a --b dense_b"
    assert.same({ "1_Pooling/config.json", "2_Dense/config.json", "2_Dense/model.safetensors", "README.md", "config.json", "merge.lock.json", "model.safetensors",
      "modules.json" }, names(out))
    assert.same({ ["embeddings.w"] = { dtype = "F32", shape = "2", 2, 2 } }, tensors)
    assert.same({ ["linear.weight"] = { dtype = "F32", shape = "2", 20, 20 }, ["linear.bias"] = { dtype = "F16", shape = "1", 2 } },
      M.read(out .. "/2_Dense/model.safetensors"))
    assert.is_nil(said:find("is not that of the donor", 1, true))
    assert.is_truthy(M.bytes(out .. "/README.md"):find("library_name: sentence-transformers", 1, true))
    assert.same(tensors, (M.made("moonweld lerp --a " .. out .. " --b " .. out))) -- what was written is such a model again
  end)

  it("is merged by every recipe, in shards, again over the old output", function()
    local tensors, _, out = M.made "moonweld task_arithmetic --base dense_base --experts dense_a dense_b"
    assert.equal(4, tensors["embeddings.w"][1])
    assert.equal(40, M.read(out .. "/2_Dense/model.safetensors")["linear.weight"][1])
    assert.equal(0, (M.run("moonweld lerp --a dense_a --b dense_b --force -o " .. out)))
    assert.equal(20, M.read(out .. "/2_Dense/model.safetensors")["linear.weight"][1])
    assert.equal(2, M.read(out .. "/model.safetensors")["embeddings.w"][1])
  end)

  it("is refused where one has a layer that the other lacks, of another shape, or in a form that is not read", function()
    embedder("less", 5)
    M.run [[rm -r less/2_Dense; echo '[{"path": ""}, {"path": "1_Pooling"}]' > less/modules.json]]
    M.refused("moonweld lerp --a dense_a --b less", "b lacks 2 tensors that a has", "2_Dense/linear")
    embedder("wide", 5)
    M.safetensors("wide/2_Dense/model.safetensors", { ["linear.weight"] = { "F32", { 3 }, 1 }, ["linear.bias"] = { "F16", { 1 }, 1 } })
    M.refused("moonweld lerp --a dense_a --b wide", "2_Dense/linear.weight")
    M.run "rm wide/2_Dense/model.safetensors"
    M.refused("moonweld lerp --a dense_a --b wide", "wide/2_Dense: holds no model.safetensors, only pytorch_model.bin", "safe_serialization")
    M.run "rm -r wide/2_Dense"
    M.refused("moonweld lerp --a dense_a --b wide", "wide/2_Dense: no such folder, and modules.json names it")
  end)

  it("is refused where modules.json is malformed or leads out of the folder", function()
    for path, words in pairs { ['"../dense_a"'] = "expected the name of a folder", ['"/etc"'] = "expected the name of a folder", ["7"] = "a module without a path",
      ['".."'] = "expected the name of a folder", ['"2_Dense/x"'] = "expected the name of a folder", ['"a\\u0000b"'] = "expected the name of a folder" } do
      embedder("bad", 1, { ["modules.json"] = '[{"path": ' .. path .. "}]" })
      M.refused("moonweld lerp --a bad --b dense_b", "bad/modules.json", words)
    end
    embedder("bad", 1, { ["modules.json"] = "{}" })
    M.refused("moonweld lerp --a bad --b dense_b", "bad/modules.json: expected a list of modules")
  end)

  it("is told of where another input pools in another way", function()
    embedder("cls", 5, { ["1_Pooling/config.json"] = '{"pooling_mode_cls_token": true}' })
    local _, said = M.made "moonweld lerp --a dense_a --b cls"
    assert.is_truthy(said:find("b: 1_Pooling/config.json is not that of the donor, which is carried", 1, true))
  end)
end)

describe("-o NAME.safetensors", function()
  local metadata = '{"modelspec.title":"A \\u00e4","modelspec.hash_sha256":"0xabc","format":"pt","sshs_model_hash":"12"}'
  M.safetensors("lone_a.safetensors", { w = { "F16", { 2 }, 1 } }, metadata)
  M.safetensors("lone_b.safetensors", { w = { "F16", { 2 }, 3 } }, '{"format":"pt","modelspec.title":"B"}')
  local merge = "moonweld lerp --a lone_a.safetensors --b lone_b.safetensors "
  local function exits(code, command, ...)
    local got, said = M.run(command)
    assert.equal(code, got, said)
    for _, words in ipairs { ... } do assert(said:find(words, 1, true), ("'%s' is not said in: %s"):format(words, said)) end
  end

  it("writes one file with the donor's metadata, its lock and its card beside it", function()
    M.run "mkdir -p single"
    exits(0, merge .. "-o single/x.safetensors --shard-size 1")
    assert.same({ "x.lock.json", "x.md", "x.safetensors" }, names "single")
    assert.same({ w = { dtype = "F16", shape = "2", 2, 2 } }, M.read "single/x.safetensors")
    assert.is_truthy(M.bytes("single/x.safetensors"):find('{"__metadata__":{"modelspec.title":"A \\u00e4","format":"pt"},"w"', 1, true))
    assert.is_truthy(M.bytes("single/x.lock.json"):find('"file": "x.safetensors"', 1, true))
    exits(0, "moonweld lerp --a single/x.safetensors --b lone_b.safetensors -o single_folder")
    assert.is_truthy(M.bytes("single_folder/model.safetensors"):find('"modelspec.title":"A', 1, true))
  end)

  it("takes folders too, whose files but the weights stay behind", function()
    M.run "mkdir -p single2"
    exits(0, "moonweld lerp --a other --b other -o single2/y.safetensors")
    assert.same({ "y.lock.json", "y.md", "y.safetensors" }, names "single2")
    assert.is_truthy(M.bytes("single2/y.safetensors"):find('{"__metadata__":{"format":"pt"},', 1, true))
    exits(64, "moonweld lerp --a dense_a --b dense_b -o single2/z.safetensors", "has parts in folders", "name a folder")
  end)

  it("replaces by --force what Moonweld made, and nothing else", function()
    M.run "rm -rf single3 && mkdir -p single3"
    exits(0, merge .. "-o single3/x.safetensors")
    exits(73, merge .. "-o single3/x.safetensors", "exists already", "--force replaces it")
    exits(0, merge .. "--t 1 --force -o single3/x.safetensors")
    assert.equal(3, M.read("single3/x.safetensors").w[1])
    assert.same({ "x.lock.json", "x.md", "x.safetensors" }, names "single3")
    M.run "cp lone_a.safetensors single3/own.safetensors && echo notes > single3/n.md && mkdir single3/d.safetensors && ln -s x.safetensors single3/l.safetensors"
    exits(73, merge .. "--force -o single3/own.safetensors", "own.safetensors: exists and was not made by Moonweld")
    exits(73, merge .. "--force -o single3/n.safetensors", "n.md: exists and was not made by Moonweld")
    exits(73, merge .. "--force -o single3/d.safetensors", "exists and is not a file")
    exits(73, merge .. "--force -o single3/l.safetensors", "is a symbolic link")
    exits(64, merge .. "--force -o lone_a.safetensors")
    assert.equal("notes\n", M.bytes "single3/n.md")
    assert.equal(M.bytes "lone_a.safetensors", M.bytes "single3/own.safetensors")
  end)

  it("is finished by the next command where a run was killed when the weights had their name, and lock and card had not", function()
    local function killed(folder) -- the old output of single2 beside the new weights of single, as the first rename leaves it
      M.run(("rm -rf %s && mkdir -p %s/x.safetensors.partial-0123abcd && cp single/x.safetensors %s && cp single2/y.lock.json %s/x.lock.json"):format(folder,
        folder, folder, folder))
      M.run(("cp single/x.lock.json %s/x.safetensors.partial-0123abcd/merge.lock.json && cp single/x.md %s/x.safetensors.partial-0123abcd/README.md"):format(
        folder, folder))
    end
    for _, command in ipairs { "inspect killed/x.safetensors", "plan lerp --a killed/x.safetensors --b lone_b.safetensors",
      "lerp --a lone_a.safetensors --b lone_b.safetensors -o killed/x.safetensors", "verify killed/x.safetensors" } do
      killed "killed"
      exits(command:find("-o", 1, true) and 73 or 0, "moonweld " .. command)
      assert.same({ "x.lock.json", "x.md", "x.safetensors" }, names "killed")
      assert.equal(M.bytes "single/x.lock.json", M.bytes "killed/x.lock.json")
      assert.equal(M.bytes "single/x.md", M.bytes "killed/x.md")
    end
    killed "killed"
    M.run "rm killed/x.safetensors.partial-0123abcd/merge.lock.json && cp single/x.lock.json killed" -- killed one rename later
    exits(0, "moonweld inspect killed/x.safetensors")
    assert.same({ "x.lock.json", "x.md", "x.safetensors" }, names "killed")
    killed "killed"
    exits(0, merge .. "--t 1 --force -o killed/x.safetensors")
    assert.same({ "x.lock.json", "x.md", "x.safetensors" }, names "killed")
    assert.equal(3, M.read("killed/x.safetensors").w[1])
  end)

  it("is left alone where another run has the folder, or still writes its weights", function()
    M.run "rm -rf busy && mkdir -p busy/x.safetensors.partial-0123abcd && cp single/x.* busy && cp single2/y.lock.json busy/x.safetensors.partial-0123abcd/merge.lock.json"
    exits(0, [[flock busy/x.safetensors.partial-0123abcd "$program" inspect busy/x.safetensors]])
    assert.equal(M.bytes "single/x.lock.json", M.bytes "busy/x.lock.json")
    M.run "cp single/x.safetensors busy/x.safetensors.partial-0123abcd"
    exits(0, "moonweld inspect busy/x.safetensors")
    assert.equal(M.bytes "single/x.lock.json", M.bytes "busy/x.lock.json")
    M.run "rm busy/x.safetensors.partial-0123abcd/*.safetensors && chmod a-w busy" -- as root it is writable all the same
    exits(0, "moonweld inspect busy/x.safetensors")
    M.run "chmod u+w busy"
  end)

  it("goes on where a lock lies without its weights", function()
    M.run "rm -rf single4 && mkdir -p single4 && cp single/x.lock.json single/x.md single4"
    exits(0, merge .. "-o single4/x.safetensors")
    assert.same({ "x.lock.json", "x.md", "x.safetensors" }, names "single4")
  end)

  it("is a folder where the name ends with a slash", function()
    exits(0, merge .. "-o folder.safetensors/")
    assert.is_truthy(M.bytes "folder.safetensors/model.safetensors")
  end)
end)

describe("a folder that holds weights in another form alone", function()
  local forms = {
    { "pytorch_model.bin", "save_pretrained" }, { "model.gguf", "the model that it was made from" }, { "tf_model.h5", "save_pretrained" }, { "flax_model.msgpack", "save_pretrained" },
    { "weights.npz", "convert" }, { "consolidated.00.pth", "save_pretrained" }, { "__0_0.distcp", "accelerate merge-weights" }, { "model.onnx", "exported from" },
    { "global_step10/mp_rank_00_model_states.pt", "zero_to_fp32.py", "global_step10" }, { "original/consolidated.00.pth", "download the safetensors", "original" },
  }
  for _, form in ipairs(forms) do
    it("is told so: " .. form[1], function()
      os.execute("rm -rf '" .. M.folder .. "/form'")
      for _, name in ipairs { form[1], "config.json", "training_args.bin", "optimizer.pt" } do M.write("form/" .. name, "{}") end
      M.refused("moonweld lerp --a form --b other", "form: holds no safetensors file, only " .. (form[3] or form[1]), form[2])
    end)
  end
  it("or under other names is told which, and never to give one of several as the whole", function()
    M.safetensors("named/mine.safetensors", weights)
    M.refused("moonweld lerp --a named --b other", "holds no model.safetensors, only mine.safetensors", "give that file itself as the model; config and tokenizer are not read then")
    M.safetensors("named/yours.safetensors", weights)
    local said = M.refused("moonweld lerp --a named --b other", "only mine.safetensors, yours.safetensors", "parts of one are called model-00001-of-00002.safetensors")
    assert.is_nil(said:find("that file itself", 1, true), said)
  end)
  it("is not told so where folders in it hold models, whatever else lies there", function()
    M.model("runs/checkpoint-1", weights)
    M.write("runs/training_args.bin", "x")
    M.write("runs/pytorch_model.bin", "x")
    M.refused("moonweld lerp --a runs --b other", "did you mean runs/checkpoint-1?")
  end)
end)
