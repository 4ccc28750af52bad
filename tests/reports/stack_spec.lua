--- moonweld stack, and how config.json follows the tensors of a model of other layers.
package.path = "tests/reports/?.lua;" .. package.path
local M = require "models"

--- Layer l of a model holds fill + l.
local function layered(depth, fill, stack, more)
  local tensors = { ["model.embed_tokens.weight"] = { "BF16", { 3, 2 }, fill + 100 }, ["model.norm.weight"] = { "BF16", { 2 }, fill + 200 } }
  for layer = 0, depth - 1 do tensors[("%s.%d.up.weight"):format(stack or "model.layers", layer)] = { "BF16", { 2, 2 }, fill + layer } end
  for name, tensor in pairs(more or {}) do tensors[name] = tensor end
  return tensors
end

local function config(depth, more)
  return ('{\n  "model_type": "llama",\n  "num_hidden_layers": %d,\n  "hidden_size": 2,\n  "vocab_size": 3,\n  "num_attention_heads": 1,\n  "tie_word_embeddings": true%s\n}\n')
    :format(depth, more and ",\n  " .. more or "")
end

--- The configuration of a merge, the tensors, and what was said.
local function made(command)
  local tensors, said, out = M.made(command)
  return M.bytes(out .. "/config.json"), tensors, said, out
end

describe("moonweld stack", function()
  M.model("a", layered(4, 8), config(4))
  M.model("b", layered(6, 32), config(6))

  it("takes ranges that end before their second number, to the end, or all layers, of any models in any order", function()
    local text, tensors, said = made "moonweld stack --parts a:0-2 b:4- a"
    local got = {}
    for layer = 0, 7 do got[layer + 1] = tensors[("model.layers.%d.up.weight"):format(layer)][1] end
    assert.same({ 8, 9, 36, 37, 8, 9, 10, 11 }, got)
    assert.equal(config(8), text)
    assert.is_truthy(said:find("donor: parts[1]", 1, true))
  end)

  it("gives a model back, bit for bit, of all its layers", function()
    local text, tensors = made "moonweld stack --parts a:0-3 a:3-4"
    assert.same(M.read "a/model.safetensors", tensors)
    assert.equal(config(4), text)
  end)

  it("can be made again from its lock, which records what config.json got", function()
    local _, _, _, out = made "moonweld stack --parts a:0-2 b:1-3 a:0-2"
    local lock = M.bytes(out .. "/merge.lock.json")
    assert.is_truthy(lock:find('"config": {\n    "num_hidden_layers": 6\n  }', 1, true))
    local command = lock:match '"command": "([^"]*)"'
    assert.equal("moonweld stack --parts a:0-2 b:1-3 a:0-2", command)
    assert.same(M.read(out .. "/model.safetensors"), (M.made(command)))
  end)

  it("takes a path that exists as it is, whatever it is called", function()
    M.model("a:0-2", layered(4, 64), config(4))
    local _, tensors = made "moonweld stack --parts a:0-2 a:0-2:1-2"
    assert.equal(65, tensors["model.layers.4.up.weight"][1])
    os.execute("rm -rf '" .. M.folder .. "/a:0-2'")
  end)

  it("refuses a range outside of the model, an empty one, a model without layers, and none at all, in one line", function()
    M.refused("moonweld stack --parts a:0-5", "--parts a:0-5: parts[1] has no layers 0 to 5: it has 4, 0 to 3; a range ends before its second number")
    M.refused("moonweld stack --parts a:2-2", "--parts a:2-2: layers 2 to 2 of parts[1] are none")
    M.refused("moonweld stack --parts a:0-99999999999999999999", "parts[1] has no layers 0 to 9223372036854775807: it has 4, 0 to 3")
    M.refused("moonweld stack --parts a:99999999999999999999-", "--parts a:99999999999999999999-: parts[1] has no layers 9223372036854775807 to")
    M.refused("moonweld stack --parts a:0-2 b:9-12", "--parts b:9-12: parts[2] has no layers 9 to 12: it has 6, 0 to 5")
    M.refused("moonweld stack --parts c:0-2", "c: no such file or folder")
    for _, word in ipairs { "a:2", "a:", "a:-2", "a:0:2", "a:0-2,3-4", "a:0-2+lora" } do
      M.refused("moonweld stack --parts " .. word, word:match "[^+]*" .. ": no such file or folder\nmoonweld: hint: layers are written MODEL:FIRST-END")
    end
    M.refused("moonweld stack", "--parts MODEL:FIRST-END... is needed")
    M.safetensors("flat.safetensors", { w = { "F32", { 2 }, 1 } })
    M.refused("moonweld stack --parts flat.safetensors:0-1", "has no layers: none of its tensors is called such as 'model.layers.0.NAME'")
  end)
end)

describe("config.json of other layers", function()
  it("has the elements of lists from the models that the layers are from", function()
    M.model("a", layered(3, 8), config(3, '"layer_types": [\n    "full",\n    "slow",\n    "fast"\n  ],\n  "mlp_only_layers": [1, 2]'))
    M.model("b", layered(4, 32), config(4, '"layer_types": ["p", "q", "r", "s"], "mlp_only_layers": []'))
    local text = made "moonweld stack --parts a:0-2 b:2-4 a:2-3 --allow config"
    assert.equal(config(5, '"layer_types": ["full", "slow", "r", "s", "fast"],\n  "mlp_only_layers": [1, 4]'), text)
  end)

  it("is refused where a model says nothing of its layers, unless the recipe does", function()
    M.model("c", layered(4, 32), config(4))
    M.refused("moonweld stack --parts a:0-2 c:2-4", "parts[2]: config.json: layer_types says nothing of layer 2, which is layer 2 of the result")
    M.write("said.lua", 'return recipe { "A test.", arg.parts("parts", "ranges"), function(a)\n' ..
      'return stack(a.parts):with_config{ layer_types = {"x", "y", "z", "w"}, mlp_only_layers = {0} }\nend }\n')
    assert.equal(config(4, '"layer_types": ["x", "y", "z", "w"],\n  "mlp_only_layers": [0]'), (made "moonweld ./said.lua --parts a:0-2 c:2-4"))
  end)

  it("has the elements of lists of keys that are not known where they have one for each layer, and tells it", function()
    local told = "config.json: own_scales, a key that is not known, has an element for each of the 4 layers of 'model.layers': it "
    M.model("a", layered(4, 8), config(4, '"own_scales": [1, 2, 3, 4.5],\n  "eos_token_id": [0, 1, 2, 3],\n  "own_sizes": [7, 8]'))
    M.model("b", layered(5, 32), config(5, '"own_scales": [11, 12, 13, 14, 15]'))
    local text, _, said = made "moonweld stack --parts a:0-2 b:3-5 a:3-4 --allow config"
    assert.equal(config(5, '"own_scales": [1, 2, 14, 15, 4.5],\n  "eos_token_id": [0, 1, 2, 3],\n  "own_sizes": [7, 8]'), text)
    assert.is_truthy(said:find(told .. "is taken to speak of them, and follows", 1, true), said)
    M.model("c", layered(5, 32), config(5))
    text, _, said = made "moonweld stack --parts a:0-2 c:3-5 a:3-4 --allow config"
    assert.is_truthy(text:find('"own_scales": [1, 2, 3, 4.5],', 1, true), text)
    assert.is_truthy(said:find(told .. "stays as it is, since not all models have one", 1, true), said)
    assert.is_nil(select(3, made "moonweld stack --parts a"):find("own_scales", 1, true))
  end)

  it("has the depth by the word that its architecture has for it, of each stack its own", function()
    local function gpt(depth) return ('{"model_type": "gpt2", "n_layer": %d, "n_head": 1, "n_embd": 2, "vocab_size": 3}'):format(depth) end
    M.model("gpt", { ["wte.weight"] = { "F32", { 3, 2 }, 1 }, ["h.0.w.weight"] = { "F32", { 2 }, 1 }, ["h.1.w.weight"] = { "F32", { 2 }, 2 },
      ["ln_f.weight"] = { "F32", { 2 }, 3 } }, gpt(2))
    assert.equal(gpt(3), (made "moonweld stack --parts gpt:0-2 gpt:1-2"))
    local function whisper(encoder, decoder)
      return ('{"model_type": "whisper", "num_hidden_layers": %d, "encoder_layers": %d, "decoder_layers": %d}'):format(encoder, encoder, decoder)
    end
    local tensors = {}
    for _, stack in ipairs { "model.encoder.layers", "model.decoder.layers" } do
      for layer = 0, 2 do tensors[stack .. "." .. layer .. ".w.weight"] = { "F32", { 2 }, layer } end
    end
    M.model("whisper", tensors, whisper(3, 3))
    M.write("cut.lua", 'return recipe { "A test.", arg.model("m", "a model"), arg("of", "", "the stack"), function(a)\nreturn a.m:layers(0, 2, {of = a.of})\nend }\n')
    assert.equal(whisper(3, 2), (made "moonweld ./cut.lua --m whisper --of model.decoder.layers"))
    assert.equal(whisper(2, 3), (made "moonweld ./cut.lua --m whisper --of model.encoder.layers"))
    local function seeing(text, vision)
      return ('{"model_type": "llava", "text_config": {"num_hidden_layers": %d, "layer_types": [%s]}, "vision_config": {"num_hidden_layers": %d}}')
        :format(text, ('"x", '):rep(text):sub(1, -3), vision)
    end
    local towers = {}
    for name, tensor in pairs(tensors) do towers[(name:gsub("encoder", "vision"):gsub("decoder", "text"))] = tensor end
    M.model("seeing", towers, seeing(3, 3))
    assert.equal(seeing(3, 2), (made "moonweld ./cut.lua --m seeing --of model.vision.layers"))
    assert.equal(seeing(2, 3), (made "moonweld ./cut.lua --m seeing --of model.text.layers"))
    M.model("odd", layered(3, 1, "x.layers"), '{"model_type": "odd"}')
    M.refused("moonweld stack --parts odd:0-2", "config.json does not say that 'x.layers' has 3 layers: the result's 2 cannot be said either")
    local _, _, said = made "moonweld stack --parts odd:0-2 --allow config"
    assert.is_truthy(said:find("cannot be said either, let through by --allow config", 1, true))
    M.write("says.lua", 'return recipe { "A test.", arg.model("m", "a model"), function(a)\nreturn a.m:layers(0, 2):with_config{ stages = 2 }\nend }\n')
    assert.is_truthy((made "moonweld ./says.lua --m odd"):find('"stages": 2', 1, true))
  end)

  --- A model of these stacks, each of as many layers.
  local function stacked(name, stacks, text)
    local tensors = {}
    for stack, depth in pairs(stacks) do
      for layer = 0, depth - 1 do tensors[("%s.%d.w.weight"):format(stack, layer)] = { "F32", { 2 }, layer } end
    end
    M.model(name, tensors, text)
  end

  it("has the depth of a stack in the part that it is called by, and that of what hears as an encoder's", function()
    local function speech(...) -- Granite Speech
      return ('{"encoder_config": {"num_layers": %d}, "text_config": {"num_hidden_layers": %d}, "projector_config": {"num_hidden_layers": %d}}'):format(...)
    end
    stacked("speech", { ["encoder.layers"] = 2, ["language_model.model.layers"] = 2, ["projector.qformer.encoder.layer"] = 2 }, speech(2, 2, 2))
    assert.equal(speech(4, 2, 2), (made "moonweld stack --parts speech speech --of encoder.layers"))
    assert.equal(speech(2, 4, 2), (made "moonweld stack --parts speech speech --of language_model.model.layers"))
    assert.equal(speech(2, 2, 4), (made "moonweld stack --parts speech speech --of projector.qformer.encoder.layer"))
    local function resampled(text, queries) -- Idefics2
      return ('{"text_config": {"num_hidden_layers": %d}, "perceiver_config": {"resampler_depth": %d}}'):format(text, queries)
    end
    stacked("resampled", { ["model.text_model.layers"] = 2, ["model.connector.perceiver_resampler.layers"] = 2 }, resampled(2, 2))
    assert.equal(resampled(2, 3), (made "moonweld stack --parts resampled resampled:0-1 --of model.connector.perceiver_resampler.layers"))
    assert.equal(resampled(3, 2), (made "moonweld stack --parts resampled resampled:0-1 --of model.text_model.layers"))
    local function hearing(audio, text) -- Qwen2-Audio
      return ('{"audio_config": {"encoder_layers": %d}, "text_config": {"num_hidden_layers": %d}}'):format(audio, text)
    end
    stacked("hearing", { ["audio_tower.layers"] = 2, ["language_model.model.layers"] = 2 }, hearing(2, 2))
    assert.equal(hearing(3, 2), (made "moonweld stack --parts hearing hearing:1-2 --of audio_tower.layers"))
    local function captions(text, vision) -- BLIP, whose text decoder is a BERT
      return ('{"text_config": {"num_hidden_layers": %d}, "vision_config": {"num_hidden_layers": %d}}'):format(text, vision)
    end
    stacked("captions", { ["text_decoder.bert.encoder.layer"] = 2, ["vision_model.encoder.layers"] = 2 }, captions(2, 2))
    assert.equal(captions(3, 2), (made "moonweld stack --parts captions captions:1-2 --of text_decoder.bert.encoder.layer"))
    local function two(encoder, decoder) -- T5Gemma
      return ('{"encoder": {"num_hidden_layers": %d}, "decoder": {"num_hidden_layers": %d}}'):format(encoder, decoder)
    end
    stacked("two", { ["model.encoder.layers"] = 2, ["model.decoder.layers"] = 2 }, two(2, 2))
    assert.equal(two(3, 2), (made "moonweld stack --parts two two:1-2 --of model.encoder.layers"))
    assert.equal(two(2, 3), (made "moonweld stack --parts two two:1-2 --of model.decoder.layers"))
    local function masked(vit, decoder) return ('{"num_hidden_layers": %d, "decoder_num_hidden_layers": %d}'):format(vit, decoder) end -- ViT MAE: its kind is its name
    stacked("masked", { ["vit.encoder.layer"] = 2, ["decoder.decoder_layers"] = 2 }, masked(2, 2))
    assert.equal(masked(3, 2), (made "moonweld stack --parts masked masked:1-2 --of vit.encoder.layer"))
    assert.equal(masked(2, 3), (made "moonweld stack --parts masked masked:1-2 --of decoder.decoder_layers"))
    local function spoken(encoder, decoder) return ('{"encoder_layers": %d, "decoder_layers": %d}'):format(encoder, decoder) end -- SpeechT5
    stacked("spoken", { ["speecht5.encoder.wrapped_encoder.layers"] = 2, ["speecht5.decoder.wrapped_decoder.layers"] = 2 }, spoken(2, 2))
    assert.equal(spoken(3, 2), (made "moonweld stack --parts spoken spoken:1-2 --of speecht5.encoder.wrapped_encoder.layers"))
    assert.equal(spoken(2, 3), (made "moonweld stack --parts spoken spoken:1-2 --of speecht5.decoder.wrapped_decoder.layers"))
    -- LED
    stacked("windows", { ["led.encoder.layers"] = 2, ["led.decoder.layers"] = 2 }, '{"encoder_layers": 2, "decoder_layers": 2, "attention_window": [8, 16]}')
    assert.equal('{"encoder_layers": 3, "decoder_layers": 2, "attention_window": [8, 16, 16]}', (made "moonweld stack --parts windows windows:1-2 --of led.encoder.layers"))
    assert.equal('{"encoder_layers": 2, "decoder_layers": 3, "attention_window": [8, 16]}', (made "moonweld stack --parts windows windows:1-2 --of led.decoder.layers"))
  end)

  it("has the depth of what encodes in the part that sees, where the text's decodes and no stack is called by it, as Pix2Struct's", function()
    local text = '{"model_type": "pix2struct", "text_config": {"num_layers": 4}, "vision_config": {"num_hidden_layers": 4}}'
    local more = {}
    for layer = 0, 3 do more[("decoder.layer.%d.up.weight"):format(layer)] = { "BF16", { 2, 2 }, 1 } end
    M.model("pixels", layered(4, 1, "encoder.encoder.layer", more), text)
    local function depths(of) return made("moonweld stack --of " .. of .. " --parts pixels:0-2 pixels:3-4") end
    assert.equal((text:gsub('"num_hidden_layers": 4', '"num_hidden_layers": 3')), (depths "encoder.encoder.layer"))
    assert.equal((text:gsub('"num_layers": 4', '"num_layers": 3')), (depths "decoder.layer"))
  end)

  it("is refused where one number says how many layers two stacks have, or layers of one stand between those of another, as in Idefics", function()
    local more = {}
    for layer = 0, 3 do more[("model.cross.%d.up.weight.x"):format(layer)] = { "BF16", { 2, 2 }, 1 } end
    M.model("both", layered(4, 1, nil, more), config(4))
    M.refused("moonweld stack --of model.layers --parts both:0-3", "num_hidden_layers says how many layers both 'model.layers' and 'model.cross' have: 3 and 4")
    M.write("pair.lua", [[return recipe { "Two of both.", arg.model("m", "it"),
      function(a) return a.m:layers(1, 3, { of = "model.layers" }):layers(1, 3, { of = "model.cross" }) end }]])
    assert.equal(config(2), (made "moonweld ./pair.lua --m both"))
    M.model("between", layered(4, 1), config(4, '"cross_layer_interval": 2'))
    M.refused("moonweld stack --parts between:0-3", "cross_layer_interval = 2: layers of another stack stand between those of 'model.layers'")
  end)

  it("is refused where what a layer computes depends on how many there are, as the scale of MiniCPM's, or on its number, as MiniMax's decay", function()
    for _, type in ipairs { "minicpm", "minicpm3", "minimax", "esmc" } do
      M.model("deep", layered(4, 1), (config(4):gsub('"model_type": "[^"]*"', ('"model_type": "%s"'):format(type))))
      M.refused("moonweld stack --parts deep:0-3",
        ('model_type = "%s": what a layer of \'model.layers\' computes depends on its number or on how many there are'):format(type))
      made "moonweld stack --parts deep:0-2 deep:2-"
    end
  end)

  it("is refused where a tensor beside the layers has a part for each of them, as Gemma 3n's, unless the recipe makes it", function()
    local name = "model.embed_tokens_per_layer.weight"
    M.model("per-layer", layered(4, 1, nil, { [name] = { "BF16", { 3, 8 }, 1 } }), config(4))
    M.refused("moonweld stack --parts per-layer:0-3", "'" .. name .. "' has a part for each layer of 'model.layers' side by side, and is that of parts[1]")
    M.write("sliced.lua", ([[return recipe { "The first layers.", arg.model("m", "it"),
      function(a) return a.m:layers(0, 3):with{ ["%s"] = a.m["%s"]:slice{ columns = { 0, 6 } } } end }]]):format(name, name))
    local text, tensors = made "moonweld ./sliced.lua --m per-layer"
    assert.equal(config(3), text)
    assert.equal(18, #tensors[name])
    made "moonweld stack --parts per-layer:0-2 per-layer:2-"
    M.model("contacts", layered(4, 1, nil, { ["esm.contact_head.regression.weight"] = { "BF16", { 1, 8 }, 1 } }), config(4))
    M.refused("moonweld stack --parts contacts:0-3", "'esm.contact_head.regression.weight' has a part for each layer of 'model.layers'")
  end)

  it("has texts with a character for each layer, lists of what comes how often, and numbers from 1", function()
    local function of(keys) return config(4, keys), config(4, keys):gsub('"num_hidden_layers": 4', '"num_hidden_layers": 3') end
    local all, three = of '"hybrid_override_pattern": "M-*E",\n  "attention_types": [[["global", "local"], 2]],\n  "linear_attn_config": {"kda_layers": [1, 2, 4], "full_attn_layers": [3]}'
    M.model("spelt", layered(4, 1), all)
    three = three:gsub('"M%-%*E"', '"M*E"'):gsub('%[%[%["global", "local"%], 2%]%]', '[[["global", "global", "local"], 1]]'):gsub("%[1, 2, 4%]", "[1, 3]"):gsub("%[3%]", "[2]")
    assert.equal(three, (made "moonweld stack --parts spelt:0-1 spelt:2-"))
    M.model("said", layered(4, 1), '{"model_type": "nemotron_h", "layers_block_type": ["m", "a", "e", "a"]}')
    assert.equal('{"model_type": "nemotron_h", "layers_block_type": ["m", "e", "a"]}', (made "moonweld stack --parts said:0-1 said:2-"))
  end)

  it("has a backbone's stages, of which the last is taken, as DINOv2's", function()
    local function of(depth, names) return config(depth, ('"stage_names": ["stem", %s], "out_features": ["stage%d"], "out_indices": [%d]'):format(names, depth, depth)) end
    M.model("backbone", layered(4, 1), of(4, '"stage1", "stage2", "stage3", "stage4"'))
    assert.equal(of(3, '"stage1", "stage2", "stage3"'), (made "moonweld stack --parts backbone:0-2 backbone:3-4"))
  end)

  it("is not made of stages, which have other shapes", function()
    stacked("swin", { ["swin.encoder.layers"] = 4 }, '{"model_type": "swin", "depths": [2, 2, 6, 2], "num_layers": 4}')
    M.refused("moonweld stack --parts swin swin:1-2", "config.json: depths has a number for each of the 4 'swin.encoder.layers': they are stages of other shapes, not layers")
  end)

  it("keeps in the first place what only a first layer has, as T5's, or lacks, as ModernBERT's", function()
    local function first(name, word, from, to)
      local tensors = layered(3, 8)
      for layer = from, to do tensors[("model.layers.%d.%s.weight"):format(layer, word)] = { "BF16", { 2 }, 1 } end
      M.model(name, tensors, config(3))
    end
    first("t5", "layer.0.SelfAttention.relative_attention_bias", 0, 0)
    M.refused("moonweld stack --parts t5 t5", "layer 3 of the result has 'relative_attention_bias', which layer 0 of 'model.layers' alone has")
    M.refused("moonweld stack --parts t5:1-3", "layer 0 of the result lacks 'relative_attention_bias', which layer 0 of 'model.layers' alone has")
    assert.equal(config(5), (made "moonweld stack --parts t5 t5:1-3"))
    first("mt5", "layer.0.SelfAttention.relative_attention_bias", 0, 2) -- UMT5: every layer has one
    assert.equal(config(5), (made "moonweld stack --parts mt5:1-3 mt5"))
    first("modernbert", "attn_norm", 1, 2)
    M.refused("moonweld stack --parts modernbert modernbert", "layer 3 of the result lacks 'attn_norm', which layer 0 of 'model.layers' alone lacks")
    M.refused("moonweld stack --parts modernbert:2-3", "layer 0 of the result has 'attn_norm', which layer 0 of 'model.layers' alone lacks")
    assert.equal(config(5), (made "moonweld stack --parts modernbert modernbert:1-3"))
    local _, _, said = made "moonweld stack --parts modernbert modernbert --allow config"
    assert.is_truthy(said:find("alone lacks, let through by --allow config", 1, true))
  end)

  it("may have a stack that begins later, which is not touched", function()
    stacked("begins", { ["model.layers"] = 2 }, config(2))
    local tensors = M.read "begins/model.safetensors"
    local whole = {}
    for name in pairs(tensors) do whole[name] = { "F32", { 2 }, 1 } end
    whole["decoder.relative_bias.biases.1.w.weight"] = { "F32", { 2 }, 1 } -- UDOP
    M.model("begins", whole, config(2))
    assert.equal(config(3), (made "moonweld stack --parts begins begins:1-2 --of model.layers"))
    M.write("holes.lua", 'return recipe { "A test.", arg.model("m", "a model"), function(a)\nreturn a.m:rename(function(n)\n' ..
      'return not n:find("layers.0.", 1, true) and n or nil\nend)\nend }\n')
    M.refused("moonweld ./holes.lua --m begins", "the result has no tensors of layer 0 of 'model.layers', but of later ones")
  end)

  it("says nothing false of layers whose kind follows from their number", function()
    M.model("every", layered(6, 1), config(6, '"sliding_window_pattern": 3'))
    M.refused("moonweld stack --parts every:0-4 every:2-6",
      "config.json: sliding_window_pattern = 3 makes layer 4 of the result another kind of layer than layer 2 of parts[1]")
    assert.equal(config(9, '"sliding_window_pattern": 3'), (made "moonweld stack --parts every:0-6 every:3-6"))
    local _, _, said = made "moonweld stack --parts every:0-4 every:2-6 --allow config"
    assert.is_truthy(said:find("let through by --allow config", 1, true))
    M.model("dense", layered(4, 1), config(4, '"first_k_dense_replace": 1'))
    M.refused("moonweld stack --parts dense dense", "first_k_dense_replace = 1 makes layer 4 of the result another kind of layer than layer 0 of parts[1]")
    assert.equal(config(7, '"first_k_dense_replace": 1'), (made "moonweld stack --parts dense dense:1-4"))
    for rule, depth in pairs { encoder_sparse_step = 2, moe_layer_interval = 2, cross_attention_frequency = 2, num_dense_layers = 1, moe_layer_start_index = 1,
      moe_layer_end_index = 3 } do
      M.model("ruled", layered(4, 1), config(4, ('"%s": %d'):format(rule, depth)))
      M.refused("moonweld stack --parts ruled:0-3 ruled", rule .. " = " .. depth .. " makes layer")
    end
  end)

  it("has a last sparse layer that may stand further in front, as any other", function()
    M.model("last", layered(4, 1), config(4, '"moe_layer_end_index": 3'))
    assert.equal(config(3, '"moe_layer_end_index": 3'), (made "moonweld stack --parts last:0-2 last:3-4"))
  end)

  it("has a list that comes again and again, as recurrent_gemma's, written out for all layers", function()
    M.model("round", layered(5, 1), config(5, '"block_types": ["r", "r", "a"]'))
    assert.equal(config(5, '"block_types": ["r", "r", "a"]'), (made "moonweld stack --parts round"))
    assert.equal(config(6, '"block_types": ["r", "r", "a", "r", "a", "r"]'), (made "moonweld stack --parts round:0-3 round:1-4"))
    M.model("none", layered(5, 1), config(5, '"block_types": []'))
    assert.equal(config(3, '"block_types": []'), (made "moonweld stack --parts none:0-3"))
  end)

  it("has every key that says the depth, and not that of a Q-Former for the text's", function()
    M.model("twice", layered(3, 1), config(3, '"num_blocks": 3'))
    assert.equal(config(5, '"num_blocks": 5'), (made "moonweld stack --parts twice twice:1-3"))
    local function kosmos(depth) return ('{"model_type": "kosmos-2", "text_config": {"layers": %d}, "vision_config": {"num_hidden_layers": 3}}'):format(depth) end
    local function blip(depth, queries)
      return ('{"model_type": "blip-2", "text_config": {"num_hidden_layers": %d}, "qformer_config": {"num_hidden_layers": %d, "cross_attention_frequency": 2}}')
        :format(depth, queries)
    end
    local towers = {}
    for layer = 0, 2 do
      for _, stack in ipairs { "text_model.layers", "qformer.encoder.layer", "vision_model.layers" } do
        towers[stack .. "." .. layer .. ".w.weight"] = { "F32", { 2 }, layer }
      end
    end
    M.model("towers", towers, kosmos(3))
    assert.equal(kosmos(4), (made "moonweld stack --parts towers towers:1-2 --of text_model.layers"))
    M.model("queries", towers, blip(3, 3))
    assert.equal(blip(4, 3), (made "moonweld stack --parts queries queries:1-2 --of text_model.layers"))
    assert.equal(blip(3, 2), (made "moonweld stack --parts queries:0-2 --of qformer.encoder.layer"))
    local seen = {}
    for name, tensor in pairs(towers) do seen[(name:gsub("text_model", "text_model.decoder"):gsub("vision_model", "vision_model.encoder"))] = tensor end
    M.model("seen", seen, blip(3, 3))
    assert.equal(blip(4, 3), (made "moonweld stack --parts seen seen:1-2 --of text_model.decoder.layers"))
    M.refused("moonweld stack --parts queries:1-3 --of qformer.encoder.layer", "cross_attention_frequency = 2 makes layer 0 of the result another kind")
  end)

  it("counts layers of multi-token prediction by themselves, which stay the last, and none where they were dropped", function()
    local function predicting(depth, further, more)
      return (config(depth, ('"num_nextn_predict_layers": %d%s'):format(further, more and ",\n  " .. more or "")):gsub("llama", "glm4_moe"))
    end
    local function kinds(text) return '"layer_types": [' .. text:gsub("%a", '"%0"') .. "]" end
    M.model("p", layered(4, 8), predicting(3, 1, kinds "a, b, c"))
    M.model("q", layered(4, 32), predicting(3, 1, kinds "p, q, r"))
    M.model("dropped", layered(3, 8), predicting(3, 1))
    local text, tensors = made "moonweld stack --parts p:0-3 q:2-4 --allow config"
    assert.equal(predicting(4, 1, kinds "a, b, c, r"), text)
    assert.equal(35, tensors["model.layers.4.up.weight"][1])
    assert.equal(predicting(5, 0, kinds "a, b, c, q, r"), (made "moonweld stack --parts p:0-3 q:1-3 --allow config"))
    M.refused("moonweld stack --parts p q --allow config", "layer 3 of the result is a layer of multi-token prediction of parts[1], and is not the last")
    M.refused("moonweld stack --parts p q --allow config", "of parts[1] take the layers before it alone: 0 to 3")
    local cut, _, said = made "moonweld stack --parts dropped dropped:1-3"
    assert.equal(predicting(5, 0), cut)
    assert.is_truthy(said:find("num_nextn_predict_layers is 1, but the result has no layer of multi-token prediction: it is written as 0", 1, true))
    assert.equal(predicting(3, 0), (made "moonweld lerp --a dropped --b dropped"))
    assert.equal(predicting(3, 1, kinds "a, b, c"), (made "moonweld lerp --a p --b q --allow config"))
    M.model("own", layered(3, 8, nil, { ["mtp.layers.0.up.weight"] = { "BF16", { 2, 2 }, 7 } }), predicting(3, 1))
    assert.equal(predicting(3, 1), (made "moonweld lerp --a own --b own"))
    assert.equal(predicting(2, 1), (made "moonweld stack --parts own:0-2"))
    M.model("draft", layered(2, 8, "mtp.layers"), '{"model_type": "odd"}') -- of such layers alone
    assert.is_truthy((select(2, made "moonweld stack --parts draft:0-1 draft:0-2 --allow config"))["mtp.layers.2.up.weight"])
  end)

  it("has the vocabulary of the embedding, and a tied head where there is none", function()
    M.model("v", layered(2, 8), config(2))
    M.write("grown.lua", 'return recipe { "A test.", arg.model("m", "a model"), function(a)\nlocal e = a.m["model.embed_tokens.weight"]\n' ..
      'return a.m:with{ ["model.embed_tokens.weight"] = join{e, e} }\nend }\n')
    assert.equal((config(2):gsub('"vocab_size": 3', '"vocab_size": 6')), (made "moonweld ./grown.lua --m v"))
    M.write("headed.lua", 'return recipe { "A test.", arg.model("m", "a model"), function(a)\nlocal e = a.m["model.embed_tokens.weight"]\n' ..
      'return a.m:with({ ["lm_head.weight"] = e }, { add = true })\nend }\n')
    assert.equal((config(2):gsub('embeddings": true', 'embeddings": false')), (made "moonweld ./headed.lua --m v"))
  end)

  it("stays as it is, byte for byte, where the layers are the donor's", function()
    local odd = '{"model_type":"llama",\t"num_hidden_layers":2 , "layer_types":[ "x" , "y" ],"vocab_size":3,"hidden_size":2,"num_attention_heads":1,"tie_word_embeddings":true}'
    M.model("same", layered(2, 8), odd)
    assert.equal(odd, (made "moonweld stack --parts same:0-1 same:1-2"))
  end)
end)
