--- Whole pipelines of diffusers: every component merged by the same recipe, the rest carried, one folder published at once.
package.path = "tests/reports/?.lua;" .. package.path
local M = require "models"

local classes = { unet = '["diffusers", "UNet2DConditionModel"]', vae = '["diffusers", "AutoencoderKL"]', text_encoder = '["transformers", "CLIPTextModel"]',
  safety_checker = '["stable_diffusion", "StableDiffusionSafetyChecker"]', image_encoder = '["transformers", "CLIPVisionModel"]' }

--- A pipeline with these components { name = number that fills it }, its scheduler, tokenizer and feature extractor, and further files.
local function pipeline(folder, components, files, absent)
  local index = { '"_class_name": "StableDiffusionPipeline"', '"_diffusers_version": "0.30.0"', '"requires_safety_checker": true',
    '"scheduler": ["diffusers", "PNDMScheduler"]', '"tokenizer": ["transformers", "CLIPTokenizer"]', '"feature_extractor": ["transformers", "CLIPImageProcessor"]' }
  for name in pairs(classes) do
    local fill = components[name]
    if fill or (absent and absent[name]) then index[#index + 1] = ('"%s": %s'):format(name, classes[name])
    else index[#index + 1] = ('"%s": [null, null]'):format(name) end
    if fill then
      local stem = (name == "unet" or name == "vae") and "diffusion_pytorch_model" or "model"
      M.safetensors(("%s/%s/%s.safetensors"):format(folder, name, stem), { ["block.0.w"] = { "F32", { 2, 2 }, fill }, ["out.w"] = { "F16", { 2 }, fill + 1 } })
      M.write(folder .. "/" .. name .. "/config.json", stem == "model" and '{"torch_dtype": "float32"}' or '{"_class_name": "' .. name .. '", "sample_size": 8}')
    end
  end
  M.write(folder .. "/model_index.json", "{\n  " .. table.concat(index, ",\n  ") .. "\n}\n")
  M.write(folder .. "/scheduler/scheduler_config.json", '{"_class_name": "PNDMScheduler", "beta_schedule": "scaled_linear"}')
  M.write(folder .. "/tokenizer/vocab.json", '{"a": 0, "b": 1}')
  M.write(folder .. "/tokenizer/merges.txt", "#version: 0.2\n")
  M.write(folder .. "/feature_extractor/preprocessor_config.json", "{}")
  for name, bytes in pairs(files or {}) do M.write(folder .. "/" .. name, bytes) end
end

pipeline("a", { unet = 1, vae = 0.1, text_encoder = 4 }, { LICENSE = "mine", ["v1-5-pruned.ckpt"] = "x", ["unet/optimizer.bin"] = "x" })
pipeline("b", { unet = 3, vae = 0.1, text_encoder = 8 }, { LICENSE = "other" })
pipeline("base", { unet = 0, vae = 0.1, text_encoder = 2 })

local function names(folder)
  local list = {}
  for name in io.popen(("cd '%s/%s' && find . -type f | LC_ALL=C sort"):format(M.folder, folder)):lines() do list[#list + 1] = name:sub(3) end
  return list
end

--- The first number of a component's tensor.
local function first(out, component, tensor)
  local stem = (component == "unet" or component == "vae") and "diffusion_pytorch_model" or "model"
  return M.read(("%s/%s/%s.safetensors"):format(out, component, stem))[tensor or "block.0.w"][1]
end

local function has(said, ...)
  for _, words in ipairs { ... } do assert(said:find(words, 1, true), ("'%s' is not said in: %s"):format(words, said)) end
end

describe("a whole pipeline of diffusers", function()
  it("is merged component by component under their names; what is no model is the donor's", function()
    local _, said, out = M.made "moonweld lerp --a a --b b"
    assert.same({ "LICENSE", "README.md", "feature_extractor/preprocessor_config.json", "merge.lock.json", "model_index.json",
      "scheduler/scheduler_config.json", "text_encoder/config.json", "text_encoder/model.safetensors", "tokenizer/merges.txt", "tokenizer/vocab.json",
      "unet/config.json", "unet/diffusion_pytorch_model.safetensors", "vae/config.json", "vae/diffusion_pytorch_model.safetensors" }, names(out))
    assert.same({ 2, 3, 6, 7 }, { first(out, "unet"), first(out, "unet", "out.w"), first(out, "text_encoder"), first(out, "text_encoder", "out.w") })
    for _, name in ipairs { "model_index.json", "LICENSE", "unet/config.json", "tokenizer/merges.txt" } do
      assert.equal(M.bytes("a/" .. name), M.bytes(out .. "/" .. name))
    end
    has(said, "donor: a; carried from it: vae (the same in all inputs)")
    assert.equal(M.bytes "a/vae/diffusion_pytorch_model.safetensors":sub(-20), M.bytes(out .. "/vae/diffusion_pytorch_model.safetensors"):sub(-20))
    has(M.bytes(out .. "/README.md"), "library_name: diffusers", "vae (the same in all inputs)")
    M.made("moonweld soup --models " .. out .. " a b") -- what was written is a pipeline again
  end)

  it("is merged by recipes over a base, in shards, in another dtype, with another donor", function()
    local _, _, out = M.made "moonweld task_arithmetic --base base --experts a b"
    assert.same({ 4, 10 }, { first(out, "unet"), first(out, "text_encoder") })
    _, _, out = M.made "moonweld lerp --a a --b b --dtype bf16 --donor b"
    assert.equal("BF16", M.read(out .. "/vae/diffusion_pytorch_model.safetensors")["block.0.w"].dtype) -- a component that is carried too
    assert.equal(M.bytes "b/LICENSE", M.bytes(out .. "/LICENSE"))
    assert.equal(M.bytes "b/unet/config.json", M.bytes(out .. "/unet/config.json")) -- diffusers has no place for a dtype there
    _, _, out = M.made "moonweld lerp --a a --b b --shard-size 8"
    has(M.bytes(out .. "/unet/diffusion_pytorch_model.safetensors.index.json"), '"out.w": "diffusion_pytorch_model-00002-of-00002.safetensors"')
    has(M.bytes(out .. "/text_encoder/model.safetensors.index.json"), '"out.w": "model-00002-of-00002.safetensors"')
  end)

  it("gives every component the merge that it would have alone", function()
    local _, _, whole = M.made "moonweld ties --base base --experts a b --density 0.5"
    local _, _, alone = M.made "moonweld ties --base base/text_encoder --experts a/text_encoder b/text_encoder --density 0.5"
    assert.equal(M.bytes(alone .. "/model.safetensors"), M.bytes(whole .. "/text_encoder/model.safetensors"))
  end)

  it("carries a component that an input has not, and says which", function()
    pipeline("checked", { unet = 5, vae = 0.1, text_encoder = 4, safety_checker = 7 })
    local _, said, out = M.made "moonweld lerp --a checked --b b"
    assert.equal(7, first(out, "safety_checker"))
    has(said, "safety_checker (b has none)")
    has(M.bytes(out .. "/merge.lock.json"), '"name": "safety_checker"', '"carried": "b has none"')
    _, said, out = M.made "moonweld lerp --a b --b checked"
    assert.is_nil(M.bytes(out .. "/safety_checker/model.safetensors"))
    has(said, "b: its safety_checker stays behind, since a, the donor, has none")
    pipeline("seeing", { unet = 5, vae = 0.1, text_encoder = 4, image_encoder = 7 })
    _, said = M.made "moonweld soup --models seeing checked b"
    has(said, "image_encoder (models[2] has none)", "models[2]: its safety_checker stays behind")
  end)

  it("passes through alone, bit for bit", function()
    local _, said, out = M.made "moonweld passthrough --model a"
    assert.is_nil(said:find("carried", 1, true))
    for _, name in ipairs { "unet/diffusion_pytorch_model", "text_encoder/model" } do
      assert.equal(M.bytes("a/" .. name .. ".safetensors"):sub(-20), M.bytes(out .. "/" .. name .. ".safetensors"):sub(-20))
    end
  end)

  it("is a model of the hub's cache too, and so are its components", function()
    local commit = ("0123456789"):rep(4)
    M.run("mkdir -p hub/models--org--pipe/snapshots && cp -r a hub/models--org--pipe/snapshots/" .. commit)
    local _, _, out = M.made "HF_HUB_CACHE=hub moonweld lerp --a org/pipe --b b"
    has(M.bytes(out .. "/README.md"), "a: org/pipe at " .. commit, '- "org/pipe"')
    has(M.bytes(out .. "/merge.lock.json"), '"where": "org/pipe"', '"commit": "' .. commit)
    M.made("HF_HUB_CACHE=hub moonweld lerp --a org/pipe/unet@" .. commit .. " --b b/unet")
    M.refused("HF_HUB_CACHE=hub moonweld lerp --a org/pipe/unit --b b/unet", "org/pipe/unit: no such file or folder")
  end)
end)

describe("a whole pipeline with an adapter", function()
  local encoders = { text_encoder = 4, text_encoder_2 = 8 }
  --- A pipeline whose tensors adapters can meet: each filled with one number.
  local function adaptable(folder, components)
    local index = {}
    for name, fill in pairs(components) do
      local encoder = encoders[name]
      M.safetensors(("%s/%s/%s.safetensors"):format(folder, name, encoder and "model" or "diffusion_pytorch_model"),
        { [encoder and "layers.0.q.weight" or name == "vae" and "conv.weight" or "block.0.weight"] = { "F16", { 2, 2 }, fill } })
      M.write(folder .. "/" .. name .. "/config.json", '{"_class_name": "toy"}')
      index[#index + 1] = ('"%s": ["diffusers", "Toy"]'):format(name)
    end
    table.sort(index)
    M.write(folder .. "/model_index.json", "{" .. table.concat(index, ", ") .. "}")
  end
  --- Factors whose product is 1 * by in every element, of rank 1.
  local function factors(list, a, b, by)
    list[a], list[b] = { "F32", { 1, 2 }, 1 }, { "F32", { 2, 1 }, by }
    return list
  end
  local function kohya(modules)
    local list = {}
    for module, by in pairs(modules) do factors(list, module .. ".lora_down.weight", module .. ".lora_up.weight", by) end
    return list
  end
  local function filled(out, component)
    local file = encoders[component] and "model" or "diffusion_pytorch_model"
    local _, tensor = next(M.read(("%s/%s/%s.safetensors"):format(out, component, file)))
    for n = 2, 4 do assert.equal(tensor[1], tensor[n]) end
    return tensor[1], tensor.dtype
  end
  local function all(out) return { filled(out, "unet"), (filled(out, "vae")), (filled(out, "text_encoder")), (filled(out, "text_encoder_2")) } end

  adaptable("xl", { unet = 1, vae = 2, text_encoder = 4, text_encoder_2 = 8 })
  M.safetensors("xl.safetensors", kohya { lora_unet_block_0 = 0.5, lora_te1_layers_0_q = 1, lora_te2_layers_0_q = 2 })
  local told = "models[1]: xl.safetensors: lora_te1 to text_encoder (1 module), lora_te2 to text_encoder_2 (1 module), lora_unet to unet (1 module)"

  it("gives each part to its component, and says so once", function()
    local _, said, out = M.made "moonweld soup --models xl+xl.safetensors"
    assert.same({ 1.5, 2, 5, 10 }, all(out))
    assert.equal("F16", select(2, filled(out, "unet")))
    has(said, "adapters: " .. told)
    assert.is_nil(said:find("warning", 1, true), said)
    _, said = M.run "moonweld plan soup --models xl+xl.safetensors"
    has(said, "adapters      " .. told)
    _, said = M.run "moonweld plan soup --models xl+xl.safetensors --json"
    has(said, '"adapters":"' .. told)
    _, said = M.run "moonweld soup --models xl+xl.safetensors -o told --log-json"
    has(said, '"adapters":"' .. told)
    _, said = M.run "moonweld inspect xl+xl.safetensors --stats"
    has(said, "unet/block.0.weight [2,2]  + rank 1  min 1.5  max 1.5", "text_encoder_2/layers.0.q.weight [2,2]  + rank 1  min 10  max 10")
    _, said = M.run "moonweld diff xl xl+xl.safetensors"
    has(said, "unet/block.0.weight")
  end)
  it("is an expert, a base, and one of several adapters; components without a part are the same in all inputs", function()
    local _, said, out = M.made "moonweld lerp --a xl --b xl+xl.safetensors --t 0.5"
    assert.same({ 1.25, 2, 4.5, 9 }, all(out))
    has(said, "carried from it: vae (the same in all inputs)")
    M.safetensors("unet.safetensors", factors({}, "unet.block.0.lora_A.weight", "unet.block.0.lora_B.weight", 3))
    _, said, out = M.made "moonweld task_arithmetic --base xl --experts xl+unet.safetensors xl+unet.safetensors+xl.safetensors"
    assert.same({ 7.5, 2, 5, 10 }, all(out))
    has(said, "experts[2]: unet.safetensors: unet to unet (1 module); experts[2]: xl.safetensors: lora_te1 to")
    _, _, out = M.made "moonweld lerp --a xl+unet.safetensors --b xl+unet.safetensors --t 0.5"
    assert.same({ 4, 2, 4, 8 }, all(out))
    M.write("one.lua", 'return recipe { "The base with its adapter.", arg.model("base", "what"), arg.adapter("one", "of base"), function(a) return a.base + 2 * (a.one - a.base) end }')
    _, _, out = M.made "moonweld one.lua --base xl --one xl.safetensors"
    assert.same({ 2, 2, 6, 12 }, all(out))
  end)
  it("takes a folder of peft for the one component that it fits", function()
    local function peft(folder, list)
      M.safetensors(folder .. "/adapter_model.safetensors", list)
      M.write(folder .. "/adapter_config.json", '{"peft_type": "LORA", "r": 1, "lora_alpha": 2, "base_model_name_or_path": "org/xl"}')
    end
    peft("peft", factors({}, "base_model.model.block.0.lora_A.weight", "base_model.model.block.0.lora_B.weight", 1))
    local _, said, out = M.made "moonweld soup --models xl+peft"
    assert.same({ 3, 2, 4, 8 }, all(out))
    has(said, "peft: to unet (1 module)")
    assert.is_nil(said:find("it is for", 1, true))
    assert.is_nil(select(2, M.made "moonweld soup --models xl/unet+peft"):find("it is for", 1, true))
    peft("both", factors({}, "base_model.model.layers.0.q.lora_A.weight", "base_model.model.layers.0.q.lora_B.weight", 1))
    M.refused("moonweld soup --models xl+both", "its part '' fits text_encoder and text_encoder_2", "PIPE/text_encoder+FILE")
  end)
  it("goes by the folder where kohya's names say unet and the pipeline has a transformer", function()
    adaptable("flow", { transformer = 1, text_encoder = 4 })
    M.safetensors("flow.safetensors", kohya { lora_unet_block_0 = 0.5, lora_te_layers_0_q = 1 })
    local _, said, out = M.made "moonweld soup --models flow+flow.safetensors"
    assert.same({ 1.5, 5 }, { (filled(out, "transformer")), (filled(out, "text_encoder")) })
    has(said, "lora_te to text_encoder (1 module), lora_unet to transformer (1 module)")
  end)
  it("is refused where a part fits nothing, with the component and the reason", function()
    M.safetensors("lost.safetensors", kohya { lora_unet_block_0 = 1, lora_unet_block_7 = 1 })
    M.refused("moonweld soup --models xl+lost.safetensors", "lost.safetensors: its part 'lora_unet', for unet: 1 of its 2 modules meet no tensor", "block_7")
    M.refused("moonweld soup --models xl xl+lost.safetensors", "lost.safetensors")
    M.safetensors("third.safetensors", kohya { lora_te3_layers_0_q = 1 })
    M.refused("moonweld soup --models xl+third.safetensors", "its part 'lora_te3' fits no component of the pipeline xl", "another pipeline")
    local wide = kohya { lora_te2_layers_0_q = 1 }
    wide["lora_te2_layers_0_q.lora_up.weight"] = { "F32", { 3, 1 }, 1 }
    M.safetensors("wide.safetensors", wide)
    M.refused("moonweld soup --models xl+wide.safetensors", "its part 'lora_te2', for text_encoder_2: module 'layers_0_q'", "[3,1]", "[2,2]")
    M.refused("moonweld soup --models xl+nowhere.safetensors", "nowhere.safetensors: no such file")
  end)
  it("is in the lock, which verify and rebuild go by, wherever base and adapter lie", function()
    local _, _, out = M.made "moonweld lerp --a xl --b xl+xl.safetensors --t 0.5"
    has(M.bytes(out .. "/merge.lock.json"), '"base": "xl"', '"where": "xl.safetensors"', '"name": "xl.safetensors"', '"name": "unet/diffusion_pytorch_model.safetensors"')
    local function good(command)
      local code, said = M.run(command)
      assert.equal(0, code, said)
    end
    good("moonweld verify --inputs " .. out)
    good("moonweld rebuild " .. out .. " -o again && diff -r again " .. out)
    M.run "mkdir -p moved && cp -r xl moved/base && cp xl.safetensors moved/other.safetensors && mv xl away && mv xl.safetensors away.safetensors"
    good("moonweld verify --inputs --models moved " .. out)
    good("moonweld rebuild --models moved " .. out .. " -o twice && diff -r twice " .. out)
    good("moonweld rebuild " .. out .. " --input a=moved/base b=moved/base+moved/other.safetensors -o thrice && diff -r thrice " .. out)
    M.run "mv away xl && mv away.safetensors xl.safetensors"
    M.run "cp xl.safetensors kept.safetensors && printf '\\1' | dd of=xl.safetensors bs=1 seek=$(($(wc -c < xl.safetensors) - 1)) conv=notrunc 2> /dev/null"
    local code, said = M.run("moonweld verify --inputs " .. out)
    assert.equal(65, code)
    has(said, "xl.safetensors: ", "its bytes are not those that were recorded")
    code, said = M.run("moonweld rebuild " .. out .. " -o fourth")
    assert.equal(65, code)
    has(said, "xl.safetensors of input b is not the recorded one")
    M.run "mv kept.safetensors xl.safetensors"
  end)
  it("is one of the hub's cache, and no place for the output", function()
    local commit = ("0123456789"):rep(4)
    M.run("mkdir -p hub2/models--org--xl/snapshots hub2/models--org--lora/snapshots/" .. commit .. " && cp -r xl hub2/models--org--xl/snapshots/" .. commit)
    M.run("cp xl.safetensors hub2/models--org--lora/snapshots/" .. commit .. "/pytorch_lora_weights.safetensors")
    local _, said, out = M.made "HF_HUB_CACHE=hub2 moonweld soup --models org/xl+org/lora"
    assert.same({ 1.5, 2, 5, 10 }, all(out))
    has(said, "models[1]: org/lora: lora_te1 to")
    has(M.bytes(out .. "/merge.lock.json"), '"hub": "org/lora"', '"hub": "org/xl"')
    assert.equal(0, (M.run("HF_HUB_CACHE=hub2 moonweld verify --inputs " .. out)))
    assert.equal(0, (M.run("HF_HUB_CACHE=hub2 moonweld rebuild " .. out .. " -o from-hub && diff -r from-hub " .. out)))
    local code = M.run "moonweld soup --models xl+peft -o peft --force"
    assert.equal(64, code)
  end)
  it("has no --tokenizer: tokenizers of text encoders are not united", function()
    M.refused("moonweld lerp --a a --b b --tokenizer union", "--tokenizer is not for whole pipelines of diffusers: tokenizers of text encoders are not united",
      "the output has the donor's tokenizers")
  end)
end)

describe("the output of a pipeline", function()
  local broken = { vae = 0.1, unet = 5, text_encoder = 4 }
  pipeline("nan", broken)
  M.safetensors("nan/text_encoder/model.safetensors", { ["block.0.w"] = { "F32", { 2, 2 }, 0 / 0 }, ["out.w"] = { "F16", { 2 }, 1 } })

  it("is not there where a component fails, and an old one stays whole", function()
    local code, said = M.run "moonweld lerp --a a --b nan -o fresh"
    assert.equal(65, code)
    has(said, "text_encoder: ", "NaN")
    assert.equal(0, (M.run "moonweld lerp --a a --b b -o kept && cp -r kept before"))
    code = M.run "moonweld lerp --a a --b nan --force -o kept"
    assert.equal(65, code)
    assert.equal(0, (M.run "diff -r kept before"))
    assert.equal("", (select(2, M.run "ls -d fresh* kept?* 2> /dev/null")))
  end)

  it("is replaced by --force only where Moonweld made it, whether it was a model or a pipeline", function()
    M.run "rm -rf old && moonweld lerp --a a/unet --b b/unet -o old --quiet"
    assert.equal(73, (M.run "moonweld lerp --a a --b b -o old"))
    assert.equal(0, (M.run "moonweld lerp --a a --b b --force -o old"))
    assert.equal(2, first("old", "unet"))
    assert.is_nil(M.bytes "old/diffusion_pytorch_model.safetensors")
    assert.equal(0, (M.run "moonweld lerp --a a/unet --b b/unet --force -o old"))
    assert.is_nil(M.bytes "old/unet/config.json")
    assert.equal(73, (M.run "moonweld lerp --a a --b b --force -o base"))
    assert.equal(64, (M.run "moonweld lerp --a a --b b --force -o a/unet/new"))
  end)

  it("survives a kill at any time: absent, old or complete", function()
    for _, delay in ipairs { "0.01", "0.05", "0.1", "0.15", "0.2", "0.3" } do
      M.run("rm -rf killed*; cp -r kept killed; timeout --foreground -s KILL " .. delay .. [[ "$program" lerp --a b --b base --force -o killed --quiet > /dev/null 2>&1]])
      local unet, encoder = first("killed", "unet"), first("killed", "text_encoder")
      assert.is_true(unet == 2 and encoder == 6 or unet == 1.5 and encoder == 5, ("a mixture: %g %g"):format(unet, encoder))
      assert.equal(0, (M.run "moonweld lerp --a b --b base --force -o killed"))
      assert.equal("killed\n", (select(2, M.run "ls -d killed*")))
    end
  end)

  it("is told of as one merge: events, plan, and the plan's JSON", function()
    local _, said = M.run "moonweld lerp --a a --b b --log-json -o logged"
    local starts, done, last = 0, 0, -1
    for line in said:gmatch "[^\n]+" do
      starts = starts + (line:find('"event":"start"', 1, true) and 1 or 0)
      done = done + (line:find('"event":"done"', 1, true) and 1 or 0)
      local bytes, total = line:match '"event":"progress","done":(%d+),"total":(%d+)'
      if bytes then
        assert.is_true(tonumber(bytes) >= last and tonumber(bytes) <= tonumber(total))
        last = tonumber(bytes)
      end
    end
    assert.same({ 1, 1 }, { starts, done })
    has(said, '"carried":"vae (the same in all inputs)"')
    _, said = M.run "moonweld plan lerp --a a --b b"
    has(said, "component     unet (tensors 2, passes 1", "component     vae", "component     text_encoder", "file          text_encoder/model.safetensors")
    _, said = M.run "moonweld plan lerp --a a --b b --json --t 0,1 --explain"
    has(said, '"components":[{"name":', '"tensors":6', '"file":"unet/diffusion_pytorch_model.safetensors"', '"argument":"t","tensor":"unet/block.0.w"')
  end)
end)

describe("the lock of a pipeline", function()
  it("lists every file of inputs and outputs, as it lies in the whole", function()
    local _, _, out = M.made "moonweld lerp --a a --b b --shard-size 8"
    local lock, listed = M.bytes(out .. "/merge.lock.json"), { "merge.lock.json" }
    for name in lock:match('"outputs": (.*)'):gmatch '"file": "([^"]+)"' do listed[#listed + 1] = name end
    table.sort(listed)
    assert.same(names(out), listed)
    has(lock, '"name": "unet/diffusion_pytorch_model.safetensors"', '"name": "text_encoder/model.safetensors"')
    local again = M.bytes(select(3, M.made "moonweld lerp --a a --b b --shard-size 8") .. "/merge.lock.json")
    assert.equal(lock, again)
  end)

  it("is the only one, and holds no checksums where none were asked for", function()
    local _, _, out = M.made "moonweld soup --models a b --no-hash"
    local lock = M.bytes(out .. "/merge.lock.json")
    assert.is_nil(lock:find('"xxh3"', 1, true))
    assert.is_nil(M.bytes(out .. "/unet/merge.lock.json"))
  end)
end)

describe("pipelines that do not fit", function()
  it("are refused where a component's tensors differ, by the component's name", function()
    pipeline("wide", { unet = 1, vae = 0.1, text_encoder = 4 })
    M.safetensors("wide/unet/diffusion_pytorch_model.safetensors", { ["block.0.w"] = { "F32", { 3, 2 }, 1 }, ["out.w"] = { "F16", { 2 }, 1 } })
    M.refused("moonweld lerp --a a --b wide", "unet: ", "block.0.w")
  end)

  it("are refused where one is no pipeline, or what is asked for needs one model", function()
    M.refused("moonweld lerp --a a --b b/unet", "a is a whole pipeline of diffusers, and b is one model", "a component of each: a/")
    M.refused("moonweld lerp --a a/unet --b b", "b is a whole pipeline of diffusers, and a is one model")
    M.refused("moonweld greedy_soup --models a b --score 'echo {dir} 1'", "--score is not for whole pipelines")
    assert.equal(64, (M.run "moonweld lerp --a a --b b -o x.safetensors"))
    M.write("text.jsonl", '{"text": "x"}\n')
    assert.equal(69, (M.run "moonweld eval a --data text.jsonl"))
  end)

  it("are refused where one predicts noise and the other velocity; schedulers that differ otherwise are told of", function()
    pipeline("velocity", { unet = 3, vae = 0.1, text_encoder = 8 },
      { ["scheduler/scheduler_config.json"] = '{"_class_name": "PNDMScheduler", "beta_schedule": "scaled_linear", "prediction_type": "v_prediction"}' })
    M.refused("moonweld lerp --a a --b velocity", "b: scheduler: scheduler_config.json: prediction_type", "v_prediction", "--allow config")
    local _, said = M.made "moonweld lerp --a a --b velocity --allow config"
    has(said, "let through by --allow config")
    pipeline("euler", { unet = 3, vae = 0.1, text_encoder = 8 },
      { ["scheduler/scheduler_config.json"] = '{"_class_name": "EulerDiscreteScheduler", "beta_schedule": "scaled_linear", "prediction_type": "epsilon"}' })
    _, said = M.made "moonweld lerp --a a --b euler"
    has(said, 'b: scheduler: scheduler_config.json: _class_name is "EulerDiscreteScheduler" here', "the output has a's")
  end)

  it("are refused where their tokenizers cut texts otherwise", function()
    pipeline("tokens", { unet = 3, vae = 0.1, text_encoder = 8 }, { ["tokenizer/vocab.json"] = '{"b": 0, "a": 1}' })
    M.refused("moonweld lerp --a a --b tokens", "b: tokenizer: ", "ordinary tokens differ",
      "tokenizers of pipelines are not united; --allow tokenizer mixes rows of different tokens, with a's tokenizer")
  end)

  it("are refused where a model that the index names is not there; a scheduler may be absent", function()
    pipeline("half", { vae = 0.1, text_encoder = 8 }, {}, { unet = true })
    M.refused("moonweld lerp --a a --b half", "half: there is no folder 'unet', which model_index.json names", "download it too")
    M.run "cp -r b bare && rm -r bare/scheduler"
    local _, said = M.made "moonweld lerp --a a --b bare"
    has(said, "bare: there is no folder 'scheduler'")
    M.run "cp -r b pickled && rm pickled/unet/*.safetensors && echo x > pickled/unet/diffusion_pytorch_model.bin"
    M.refused("moonweld lerp --a a --b pickled", "pickled/unet: holds no safetensors file, only diffusion_pytorch_model.bin")
    M.run "cp -r b bare2 && rm bare2/unet/*.safetensors"
    M.refused("moonweld lerp --a a --b bare2", "bare2/unet: holds no model.safetensors and no index")
    pipeline("apart", { image_encoder = 1 })
    M.refused("moonweld lerp --a a --b apart", "no component that is in all of them")
  end)

  it("are refused where model_index.json is malformed or leads out of the folder", function()
    local bad = { ["{"] = "model_index.json", ["[]"] = "expected an object", ["{}"] = "names no component that is a model",
      ['{"../a": ["x", "y"]}'] = "expected the name of a folder", ['{"a/unet": ["x", "y"]}'] = "expected the name of a folder",
      ['{"": ["x", "y"]}'] = "expected the name of a folder", ['{"u\\u001bnet": ["x", "y"]}'] = "expected the name of a folder" }
    for text, words in pairs(bad) do
      M.run "rm -rf bad && cp -r b bad"
      M.write("bad/model_index.json", text)
      M.refused("moonweld lerp --a bad --b b", words)
      M.refused("moonweld passthrough --model bad", words)
    end
  end)
end)

describe("inspect and diff of a pipeline", function()
  it("show the tensors of all components under their names", function()
    local code, said, _ = M.run "moonweld inspect a"
    assert.equal(0, code)
    has(said, "F32     unet/block.0.w [2,2]", "F16     text_encoder/out.w [2]", "6 tensors, 18 parameters", "in 3 files")
    _, said = M.run "moonweld inspect a/ --json --stats"
    has(said, '"name":"vae/out.w"', '"file":"vae/diffusion_pytorch_model.safetensors"')
  end)

  it("compare them, and tell what a merge would refuse and what not", function()
    local code, said, _ = M.run "moonweld diff a checked"
    assert.equal(0, code)
    has(said, "unet/block.0", "only in B", "safety_checker/out.w")
    assert.is_nil(said:find("would refuse", 1, true)) -- it is carried
    _, said = M.run "moonweld diff a velocity"
    has(said, "a merge would refuse these models: B: scheduler: scheduler_config.json: prediction_type")
    _, said = M.run "moonweld diff a wide"
    has(said, "a merge would refuse these models", "unet/block.0.w")
    _, said = M.run "moonweld diff a b --base base --json"
    has(said, '"tensor":"unet/block.0.w"', '"delta_a":')
  end)
end)

describe("weights of a variant", function()
  local tensors = { ["down.w"] = { "F16", { 2 }, 1 }, ["up.w"] = { "F16", { 2 }, 2 } }
  local function unet(folder, file, index)
    M.safetensors(folder .. "/" .. file, tensors)
    M.write(folder .. "/config.json", '{"_class_name": "UNet2DConditionModel"}')
    if index then M.write(folder .. "/" .. index, ('{"metadata": {"total_size": 8}, "weight_map": {"down.w": "%s", "up.w": "%s"}}'):format(file, file)) end
  end
  unet("plain", "diffusion_pytorch_model.safetensors")

  it("are read where there are no others, and the output's names have no variant", function()
    unet("one", "diffusion_pytorch_model.fp16.safetensors")
    unet("text", "model.fp16.safetensors")
    unet("sharded", "diffusion_pytorch_model.fp16-00001-of-00001.safetensors", "diffusion_pytorch_model.safetensors.index.fp16.json")
    unet("counted", "diffusion_pytorch_model.bf16-00001-of-00001.safetensors")
    unet("older", "diffusion_pytorch_model-00001-of-00001.fp16.safetensors", "diffusion_pytorch_model.safetensors.index.fp16.json")
    for _, folder in ipairs { "one", "sharded", "counted", "older" } do
      local _, said, out = M.made("moonweld lerp --a " .. folder .. " --b plain")
      assert.equal(2, M.read(out .. "/diffusion_pytorch_model.safetensors")["up.w"][1])
      has(said, folder .. ": all weights are of the variant " .. (folder == "counted" and "bf16" or "fp16"))
    end
    assert.equal(2, (M.made "moonweld lerp --a text --b text")["up.w"][1])
  end)

  it("are left alone where there are weights without one, and asked about where there are two", function()
    unet("both", "diffusion_pytorch_model.non_ema.safetensors")
    M.safetensors("both/diffusion_pytorch_model.safetensors", { ["down.w"] = { "F16", { 2 }, 5 }, ["up.w"] = { "F16", { 2 }, 6 } })
    local _, said, out = M.made "moonweld lerp --a both --b both"
    assert.equal(6, M.read(out .. "/diffusion_pytorch_model.safetensors")["up.w"][1])
    has(said, "diffusion_pytorch_model.non_ema.safetensors is the variant non_ema and is left alone")
    unet("two", "model.fp16.safetensors")
    unet("two", "model.bf16.safetensors")
    M.refused("moonweld lerp --a two --b plain", "two: holds the variants bf16 and fp16 of the weights, and none without a variant")
  end)

  it("are those of a shard that is missing, and of names that only look alike", function()
    unet("gap", "diffusion_pytorch_model.fp16-00002-of-00002.safetensors")
    M.refused("moonweld lerp --a gap --b plain", "shards are missing: diffusion_pytorch_model.fp16-00001-of-00002.safetensors")
    unet("odd", "diffusion_pytorch_model.a-b.safetensors")
    M.refused("moonweld lerp --a odd --b plain", "holds no model.safetensors, only diffusion_pytorch_model.a-b.safetensors")
  end)

  it("make whole pipelines", function()
    pipeline("half_a", { unet = 1, vae = 0.1, text_encoder = 4 })
    M.run [[cd half_a && for f in */*.safetensors; do mv $f ${f%.safetensors}.fp16.safetensors; done]]
    local _, _, out = M.made "moonweld lerp --a half_a --b b"
    assert.same({ 2, 6 }, { first(out, "unet"), first(out, "text_encoder") })
    assert.is_truthy(M.bytes(out .. "/vae/diffusion_pytorch_model.safetensors"))
  end)
end)
