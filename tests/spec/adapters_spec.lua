--- Models with adapters: W + s B A, formed while it is read, against the same in plain Lua.
package.path = "tests/spec/?.lua;tests/reports/?.lua;" .. package.path
local M, low_rank, adapted = require "models", require "low_rank", require "adapted"
local numbers, tensor, added, turned = low_rank.numbers, low_rank.tensor, low_rank.added, low_rank.turned
local adapter, factors, join, same, near, with, q = adapted.adapter, adapted.factors, adapted.join, adapted.same, adapted.near, adapted.with, adapted.q
local Q, UP, EMBED, CONV, SQUARE, base, config = adapted.Q, adapted.UP, adapted.EMBED, adapted.CONV, adapted.SQUARE, adapted.base, adapted.config
adapted.write_base()

describe("a model with an adapter", function()
  it("is W + alpha / r B A, and the rest as it was", function()
    local out = with(adapter(factors(Q, 2, 6, 4, 20)))
    same(out[Q .. ".weight"], q(2, 20))
    for name, values in pairs(base) do if name ~= Q .. ".weight" then same(out[name], values[3]) end end
  end)
  it("changes no bit where B is zero, the sign of a zero neither", function()
    M.model("zeros", { [Q .. ".weight"] = { "BF16", { 6, 4 }, -0.0 } }, config)
    local list = factors(Q, 2, 6, 4, 20)
    list["base_model.model." .. Q .. ".lora_B.weight"][3] = 0
    local folder = adapter(list)
    local _, _, out = M.made("moonweld soup --models zeros+" .. folder)
    assert.equal(M.bytes("zeros/model.safetensors"):sub(-48), M.bytes(out .. "/model.safetensors"):sub(-48))
    _, _, out = M.made("moonweld lerp --a zeros --b zeros+" .. folder .. " --t 0.3")
    assert.equal(M.bytes("zeros/model.safetensors"):sub(-48), M.bytes(out .. "/model.safetensors"):sub(-48))
  end)
  it("is written in the base's dtype", function()
    M.model("half", { [Q .. ".weight"] = { "BF16", { 6, 4 }, base[Q .. ".weight"][3] } }, config)
    local folder = adapter(factors(Q, 2, 6, 4, 20))
    assert.equal("BF16", M.made("moonweld soup --models half+" .. folder)[Q .. ".weight"].dtype)
    same(M.made("moonweld soup --dtype f32 --models half+" .. folder)[Q .. ".weight"], q(2, 20))
  end)
  it("takes several adapters, in turn", function()
    local out = M.made("moonweld soup --models base+" .. adapter(factors(Q, 2, 6, 4, 20)) .. "+" .. adapter(factors(Q, 2, 6, 4, 30)))
    near(out[Q .. ".weight"], added(q(2, 20), 2, numbers(12, 31), numbers(8, 30), 6, 2, 4))
  end)
  it("is an expert like another", function()
    local folder = adapter(factors(Q, 2, 6, 4, 20))
    local out = M.made("moonweld task_arithmetic --base base --experts base+" .. folder .. " --weight 0.5")
    local expected, w = q(2, 20), base[Q .. ".weight"][3]
    for i in ipairs(expected) do expected[i] = w[i] + 0.5 * (expected[i] - w[i]) end
    near(out[Q .. ".weight"], expected)
    out = M.made("moonweld ties --base base --experts base+" .. folder .. " base --density 0.5")
    assert.equal(24, #out[Q .. ".weight"])
  end)
  it("scales by sqrt(r) with use_rslora, and by module with rank_pattern and alpha_pattern", function()
    near(with(adapter(factors(Q, 2, 6, 4, 20), '"r": 2, "lora_alpha": 4, "use_rslora": true'))[Q .. ".weight"], q(4 / math.sqrt(2), 20))
    local list = join(factors(Q, 2, 6, 4, 20), factors(UP, 4, 5, 4, 40))
    local settings = '"r": 2, "lora_alpha": 4, "rank_pattern": {"up": 4}, "alpha_pattern": {"layers\\\\.\\\\d+\\\\.(q|v)": 1, "q": 9}'
    local out = with(adapter(list, settings))
    same(out[Q .. ".weight"], q(0.5, 20))
    same(out[UP .. ".weight"], added(base[UP .. ".weight"][3], 1, numbers(20, 41), numbers(16, 40), 5, 4, 4))
  end)
  it("turns the product for weights that are stored [in, out], and for embeddings", function()
    M.model("conv1d", { [Q .. ".weight"] = tensor(1, 4, 6), [SQUARE .. ".weight"] = tensor(6, 4, 4) }, config)
    local list = join(factors(Q, 2, 6, 4, 20), factors(SQUARE, 2, 4, 4, 50))
    local out = M.made("moonweld soup --models conv1d+" .. adapter(list, '"r": 2, "lora_alpha": 4, "fan_in_fan_out": true'))
    same(out[Q .. ".weight"], added(numbers(24, 1), 2, turned(numbers(8, 20), 2, 4), turned(numbers(12, 21), 6, 2), 4, 2, 6))
    same(out[SQUARE .. ".weight"], added(numbers(16, 6), 2, turned(numbers(8, 50), 2, 4), turned(numbers(8, 51), 4, 2), 4, 2, 4))
    out = M.made("moonweld soup --models conv1d+" .. adapter(list))
    same(out[SQUARE .. ".weight"], added(numbers(16, 6), 2, numbers(8, 51), numbers(8, 50), 4, 2, 4))
    local names = "base_model.model." .. EMBED .. ".lora_embedding_"
    out = with(adapter { [names .. "A"] = tensor(60, 2, 7), [names .. "B"] = tensor(61, 4, 2) })
    same(out[EMBED .. ".weight"], added(numbers(28, 4), 2, turned(numbers(14, 60), 2, 7), turned(numbers(8, 61), 4, 2), 7, 2, 4))
  end)
  it("takes a convolution's window as inputs", function()
    local out = with(adapter { ["base_model.model." .. CONV .. ".lora_A.weight"] = tensor(70, 2, 2, 3, 3), ["base_model.model." .. CONV .. ".lora_B.weight"] = tensor(71, 3, 2, 1, 1) })
    same(out[CONV .. ".weight"], added(numbers(54, 5), 2, numbers(6, 71), numbers(36, 70), 3, 2, 18))
  end)
  it("replaces what was saved whole, and adds to biases", function()
    local list = factors(Q, 2, 6, 4, 20, { ["base_model.model.model.embed.weight"] = tensor(80, 7, 4), ["base_model.model." .. Q .. ".lora_B.bias"] = tensor(81, 6) })
    local out = with(adapter(list))
    same(out[EMBED .. ".weight"], numbers(28, 80))
    same(out[Q .. ".bias"], added(numbers(6, 2), 2, { 1 }, numbers(6, 81), 1, 1, 6))
  end)
  it("takes what was saved in f64, of more elements than are read at a time", function()
    local values, name = numbers(10000, 80), "base_model.model." .. UP .. ".weight"
    M.model("large", { [UP .. ".weight"] = tensor(3, 100, 100), [Q .. ".weight"] = base[Q .. ".weight"] }, config)
    local found = {}
    for _, dtype in ipairs { "F32", "F64" } do
      local folder = adapter(factors(Q, 2, 6, 4, 20, { [name] = { dtype, { 100, 100 }, values } }))
      same(M.made("moonweld soup --models large+" .. folder)[UP .. ".weight"], values)
      local code, said = M.run("moonweld diff large large+" .. folder .. " 2>&1 | tail -n 2")
      assert.equal(0, code)
      found[#found + 1] = said
    end
    assert.equal(found[1], found[2])
  end)
  it("of a head that is tied to the embedding changes the one of the two that it was trained on, as in peft", function()
    local name, head = "model.embed_tokens.weight", "lm_head.weight"
    M.model("tied", { [name] = tensor(4, 7, 4), [Q .. ".weight"] = base[Q .. ".weight"] }, '{"model_type": "llama", "vocab_size": 7, "tie_word_embeddings": true}')
    local function made(folder, words) return (M.made("moonweld soup --models tied+" .. folder .. (words or ""))) end
    local whole, factored = adapter(factors(Q, 2, 6, 4, 20, { ["base_model.model." .. name] = tensor(80, 7, 4) }),
      '"r": 2, "lora_alpha": 4, "modules_to_save": ["embed_tokens"]'), adapter(factors("lm_head", 2, 7, 4, 30))
    for _, folder in ipairs { whole, factored } do M.refused("moonweld soup --models tied+" .. folder, "tie_word_embeddings is true, but 'lm_head.weight' differs", "--tied untie") end
    local out = made(whole, " --tied untie")
    same(out[name], numbers(28, 80))
    same(out[head], numbers(28, 4))
    out = made(factored, " --tied untie")
    same(out[name], numbers(28, 4))
    same(out[head], added(numbers(28, 4), 2, numbers(14, 31), numbers(8, 30), 7, 2, 4))
    same(made(whole, " --tied ignore")[name], numbers(28, 80))
    out = made(adapter(factors(Q, 2, 6, 4, 20, { ["base_model.model." .. name] = tensor(80, 7, 4) }), '"r": 2, "lora_alpha": 4, "modules_to_save": ["embed_tokens"], "ensure_weight_tying": true'))
    same(out[name], numbers(28, 80))
    assert.is_nil(out[head])
    local function saved(module, rows) return adapter({ ["base_model.model." .. module .. ".weight"] = tensor(80, rows, 4) }, '"r": 2, "modules_to_save": ["lm_head"]') end
    same(made(saved("lm_head", 7), " --tied untie")[head], numbers(28, 80))
    M.refused("moonweld soup --models tied+" .. saved("lm_head", 9) .. " --tied untie", "tensor 'base_model.model.lm_head.weight' has shape [9,4], but the base's has shape [7,4]",
      "resize_token_embeddings")
    M.refused("moonweld soup --models tied+" .. saved("film_head", 7), "1 of its 1 modules meet no tensor of the base: 'film_head.weight'")
    M.refused("moonweld soup --models base+" .. saved("lm_head", 7), "1 of its 1 modules meet no tensor of the base: 'lm_head.weight'")
    -- Beside factors of an embedding peft saves the base's own.
    out = made(adapter { ["base_model.model.model.embed_tokens.base_layer.weight"] = tensor(4, 7, 4), ["base_model.model.model.embed_tokens.lora_embedding_A"] = tensor(60, 2, 7),
      ["base_model.model.model.embed_tokens.lora_embedding_B"] = tensor(61, 4, 2) })
    same(out[name], added(numbers(28, 4), 2, turned(numbers(14, 60), 2, 7), turned(numbers(8, 61), 4, 2), 7, 2, 4))
    assert.is_nil(out[head])
    -- Whisper's head has another name, under which none is written.
    M.model("tied", { ["model.decoder.embed_tokens.weight"] = tensor(4, 7, 4), [Q .. ".weight"] = base[Q .. ".weight"] }, '{"model_type": "whisper", "vocab_size": 7}')
    M.refused("moonweld soup --tied untie --models tied+" .. adapter(factors(Q, 2, 6, 4, 20, { ["base_model.model.model.decoder.embed_tokens.weight"] = tensor(80, 7, 4) }),
      '"r": 2, "lora_alpha": 4, "modules_to_save": ["embed_tokens"]'), "a head of this architecture cannot be stored")
  end)
  it("gives each output the length of its magnitude with DoRA", function()
    local list = factors(Q, 2, 6, 4, 20, { ["base_model.model." .. Q .. ".lora_magnitude_vector"] = { "F32", { 6 }, { 1, 2, 3, 0.5, 0.25, 4 } } })
    local expected, lengths = q(2, 20), { 1, 2, 3, 0.5, 0.25, 4 }
    for i = 0, 5 do
      local squares = 0
      for j = 1, 4 do squares = squares + expected[4 * i + j] ^ 2 end
      for j = 1, 4 do expected[4 * i + j] = expected[4 * i + j] * lengths[i + 1] / math.sqrt(squares) end
    end
    near(with(adapter(list, '"r": 2, "lora_alpha": 4, "use_dora": true'))[Q .. ".weight"], expected)
  end)
  it("knows the names of diffusers and of kohya, and leaves out what is of another model of the pipeline", function()
    local function named(a, b, more) return join({ [a] = tensor(20, 2, 4), [b] = tensor(21, 6, 2) }, more or {}) end
    local list = named("unet." .. Q .. ".lora.down.weight", "unet." .. Q .. ".lora.up.weight",
      { ["text_encoder.x.lora_A.weight"] = tensor(1, 2, 4), ["text_encoder.x.lora_B.weight"] = tensor(1, 6, 2) })
    M.safetensors("diffusers.safetensors", list)
    local out, said = M.made "moonweld soup --models base+diffusers.safetensors"
    same(out[Q .. ".weight"], q(1, 20))
    assert.truthy(said:find("a part of it is of another model", 1, true))
    M.safetensors("kohya.safetensors", named("lora_unet_model_layers_0_q.lora_down.weight", "lora_unet_model_layers_0_q.lora_up.weight", { ["lora_unet_model_layers_0_q.alpha"] = { "F32", {}, 1 } }))
    same(M.made("moonweld soup --models base+kohya.safetensors")[Q .. ".weight"], q(0.5, 20))
    M.model("file", { ["model.diffusion_model." .. Q .. ".weight"] = base[Q .. ".weight"] }, config)
    same(M.made("moonweld soup --models file/model.safetensors+kohya.safetensors")["model.diffusion_model." .. Q .. ".weight"], q(0.5, 20))
    local packed = [[{"lora_adapter_metadata": "{\"unet.peft_type\": \"LORA\", \"unet.r\": 2, \"unet.lora_alpha\": 8, \"text_encoder.r\": 99}"}]]
    M.safetensors("packed.safetensors", named("unet." .. Q .. ".lora_A.weight", "unet." .. Q .. ".lora_B.weight"), packed)
    same(M.made("moonweld soup --models base+packed.safetensors")[Q .. ".weight"], q(4, 20))
  end)
  it("knows a unet's modules by the names of diffusers and of checkpoints of one file, whichever base and adapter have", function()
    local names = { -- as the converter of diffusers has them
      ["input_blocks.0.0"] = "conv_in", ["input_blocks.1.0.in_layers.2"] = "down_blocks.0.resnets.0.conv1", ["input_blocks.1.1.proj_in"] = "down_blocks.0.attentions.0.proj_in",
      ["input_blocks.3.0.op"] = "down_blocks.0.downsamplers.0.conv", ["input_blocks.5.0.skip_connection"] = "down_blocks.1.resnets.1.conv_shortcut",
      ["input_blocks.11.0.emb_layers.1"] = "down_blocks.3.resnets.1.time_emb_proj", ["middle_block.0.out_layers.3"] = "mid_block.resnets.0.conv2",
      ["middle_block.1.transformer_blocks.0.attn1.to_out.0"] = "mid_block.attentions.0.transformer_blocks.0.attn1.to_out.0",
      ["middle_block.2.in_layers.2"] = "mid_block.resnets.1.conv1", ["output_blocks.2.1.conv"] = "up_blocks.0.upsamplers.0.conv",
      ["output_blocks.5.2.conv"] = "up_blocks.1.upsamplers.0.conv", ["output_blocks.7.1.transformer_blocks.1.ff.net.0.proj"] = "up_blocks.2.attentions.1.transformer_blocks.1.ff.net.0.proj",
      ["output_blocks.11.0.out_layers.3"] = "up_blocks.3.resnets.2.conv2", ["time_embed.0"] = "time_embedding.linear_1", ["label_emb.0.2"] = "add_embedding.linear_2" }
    local bases, adapters, seeds, seed = { {}, {} }, { {}, {} }, {}, 0
    for one, other in pairs(names) do
      seed = seed + 10
      for k, name in ipairs { "model.diffusion_model." .. one, other } do bases[k][name .. ".weight"], seeds[name .. ".weight"] = tensor(seed, 6, 4), seed end
      for k, name in ipairs { one, other } do
        local flat = "lora_unet_" .. name:gsub("%.", "_")
        adapters[k][flat .. ".lora_down.weight"], adapters[k][flat .. ".lora_up.weight"] = tensor(seed + 1, 2, 4), tensor(seed + 2, 6, 2)
      end
    end
    M.safetensors("whole.safetensors", bases[1])
    M.model("unet", bases[2], config)
    for k = 1, 2 do
      M.safetensors("blocks.safetensors", adapters[k])
      for model, place in pairs { ["whole.safetensors"] = 1, unet = 2 } do
        local out = M.made("moonweld soup --models " .. model .. "+blocks.safetensors")
        for name, w in pairs(bases[place]) do same(out[name], added(w[3], 1, numbers(12, seeds[name] + 2), numbers(8, seeds[name] + 1), 6, 2, 4)) end
      end
    end
  end)
  it("takes for a text encoder the part that is called as it, where several would fit", function()
    local list = {}
    for k, name in ipairs { "lora_te1", "lora_te2" } do
      list[name .. "_model_layers_0_q.lora_down.weight"], list[name .. "_model_layers_0_q.lora_up.weight"] = tensor(10 + 10 * k, 2, 4), tensor(11 + 10 * k, 6, 2)
    end
    M.safetensors("two.safetensors", list)
    for k, folder in ipairs { "pipe/text_encoder", "pipe/text_encoder_2" } do
      M.model(folder, { [Q .. ".weight"] = base[Q .. ".weight"] }, config)
      same(M.made("moonweld soup --models " .. folder .. "+two.safetensors")[Q .. ".weight"], q(1, 10 + 10 * k))
    end
    M.refused("moonweld soup --models base+two.safetensors", "its parts 'lora_te1' and 'lora_te2' both fit this model", "PIPE/text_encoder+FILE")
    M.model("pipe/text_encoder_3", { [Q .. ".weight"] = base[Q .. ".weight"] }, config)
    M.refused("moonweld soup --models pipe/text_encoder_3+two.safetensors", "its part 'lora_te1' is for another text encoder")
  end)
  it("meets a base whose names begin otherwise", function()
    M.model("bare", { ["layers.0.q.weight"] = base[Q .. ".weight"] }, config)
    same(M.made("moonweld soup --models bare+" .. adapter(factors(Q, 2, 6, 4, 20)))["layers.0.q.weight"], q(2, 20))
    same(with(adapter(factors("layers.0.q", 2, 6, 4, 20)))[Q .. ".weight"], q(2, 20))
  end)
  it("meets a base whose parts are called otherwise, each in its way, by words that hold models", function()
    local tensors, list = {}, {}
    local function pair(module, name, seed)
      list[#list + 1], tensors[name .. ".weight"] = factors(module, 2, 6, 4, seed), base[Q .. ".weight"]
      return { name .. ".weight", seed }
    end
    local pairs_of = { pair("model.language_model.layers.0.q", "language_model.model.layers.0.q", 20), pair("lm_head", "language_model.lm_head", 22),
      pair("model.vision_tower.encoder.layers.0.q", "vision_tower.vision_model.encoder.layers.0.q", 24), pair("model.projector.up", "projector.up", 26) }
    M.model("seeing", tensors, config)
    local out = M.made("moonweld soup --models seeing+" .. adapter(join(table.unpack(list))))
    for _, each in ipairs(pairs_of) do same(out[each[1]], q(2, each[2])) end
    list[#list + 1] = factors("model.decoder.layers.0.q", 2, 6, 4, 28)
    M.refused("moonweld soup --models seeing+" .. adapter(join(table.unpack(list))), "1 of its 5 modules meet no tensor of the base: 'model.decoder.layers.0.q'")
    M.refused("moonweld soup --models seeing+" .. adapter(list[#list]), "1 of its 1 modules meet no tensor of the base: 'model.decoder.layers.0.q'")
  end)
  it("is scaled by its configuration where its names lack peft's first words", function()
    local list = {}
    for name, value in pairs(factors(Q, 2, 6, 4, 20)) do list[name:gsub("^base_model%.model%.", "")] = value end
    same(with(adapter(list))[Q .. ".weight"], q(2, 20))
    M.refused("moonweld soup --models base+" .. adapter(list, '"r": 3'), "the ranks disagree: 2 of its factors, 3 of the configuration")
  end)
  it("warns where the adapter names another base than the model that it is added to", function()
    M.model("sub/Toy-7b", base, config)
    local function said(model, name)
      local _, text = M.run("moonweld plan soup --models " .. model .. "+" .. adapter(factors(Q, 2, 6, 4, 20), '"r": 2, "lora_alpha": 4, "base_model_name_or_path": "' .. name .. '"'))
      return text
    end
    local warning = "adapter_model.safetensors: it is for 'org/other' and is added to 'base', which fits it by names and shapes"
    assert.is_truthy(said("base", "org/other"):find(warning, 1, true))
    assert.is_truthy(said("sub/Toy-7b", "base"):find("it is for 'base' and is added to 'sub/Toy-7b'", 1, true))
    for _, pair in ipairs { { "base", "base" }, { "base", "./base/" }, { "base", "/elsewhere/base" }, { "sub/Toy-7b", "org/toy-7B" }, { "sub/Toy-7b", "org/Toy-7b@main" },
      { "sub/../base", M.folder .. "/base" } } do
      local text = said(pair[1], pair[2])
      assert.is_nil(text:find("it is for", 1, true), pair[2])
      assert.is_truthy(text:find("passes", 1, true), text)
    end
  end)
  it("warns of factors of modules that its configuration leaves out", function()
    local list = join(factors(Q, 2, 6, 4, 20), factors(UP, 2, 5, 4, 22))
    local function said(targets)
      return (select(2, M.run("moonweld plan soup --models base+" .. adapter(list, '"r": 2, "lora_alpha": 4, "target_modules": ' .. targets))):match("target_modules[^\n]*"))
    end
    assert.equal(("target_modules of its adapter_config.json leaves out '%s' (1 of 2 modules), which has factors and is added; peft would not add it"):format(UP),
      said(('["%s"]'):format(Q:match "[^.]+$")))
    assert.equal(said(('["%s"]'):format(Q:match "[^.]+$")), said(('".*\\\\.%s"'):format(Q:match "[^.]+$"))) -- a pattern of whole names
    assert.truthy(said(('"%s"'):format(Q:match "[^.]+$")):find("2 of 2 modules", 1, true))
    for _, targets in ipairs { ('["%s", "%s"]'):format(Q:match "[^.]+$", UP), "[]", "null", '"all-linear"', '".*"', ('".*(%s|%s)"'):format(Q:match "[^.]+$", UP:match "[^.]+$"),
      '"(?=a)b"' } do assert.is_nil(said(targets), targets) end
  end)
  it("may be an adapter alone that names its base, and a folder with a + in its name", function()
    same(M.made("moonweld soup --models " .. adapter(factors(Q, 2, 6, 4, 20), '"r": 2, "lora_alpha": 4, "base_model_name_or_path": "base"'))[Q .. ".weight"], q(2, 20))
    M.model("base+plus", base, config)
    same(M.made("moonweld soup --models base+plus")[Q .. ".weight"], base[Q .. ".weight"][3])
    same(M.made("moonweld soup --models base+plus+" .. adapter(factors(Q, 2, 6, 4, 20)))[Q .. ".weight"], q(2, 20))
  end)
  it("is what arg.adapters gives for adapters alone, on the base whatever else is declared first", function()
    M.write("one.lua", [[return recipe {
      "The base with all that its adapters change.",
      arg.adapters("adapters", "of base", { max = 2 }), arg.model("other", "no base", { optional = true }), arg.model("base", "their base"),
      function(a) return a.base + sum(a.adapters - a.base) end,
    }]])
    local first, second = adapter(factors(Q, 2, 6, 4, 20)), adapter(factors(Q, 2, 6, 4, 30))
    near(M.made("moonweld one.lua --base base --adapters " .. first .. " " .. second)[Q .. ".weight"], added(q(2, 20), 2, numbers(12, 31), numbers(8, 30), 6, 2, 4))
    M.refused("moonweld one.lua --base base", "--adapters ADAPTER... is needed")
    M.refused(("moonweld one.lua --base base --adapters %s %s %s"):format(first, first, first), "at most 2 adapters")
    M.write("none.lua", 'return recipe { "The sum.", arg.adapter("one", "of what"), function(a) return a.one end }')
    M.refused("moonweld none.lua --one " .. first, "no model that its adapters could be added to")
    local _, said = M.run "moonweld help one.lua"
    assert.truthy(said:find("--adapters ADAPTER...", 1, true))
  end)
  it("has the same bits for any threads, tiles and blocks", function()
    M.model("wide", { [Q .. ".weight"] = tensor(1, 300, 301), ["other.weight"] = tensor(2, 800, 400) }, config)
    local folder = adapter(join(factors(Q, 5, 300, 301, 20), factors("other", 5, 800, 400, 30)), '"r": 5, "lora_alpha": 1.7')
    local first
    for _, setting in ipairs { "MOONWELD_ISA=base moonweld soup --threads 1", "MOONWELD_TILE=4096 moonweld soup --threads 3", "moonweld soup --threads 2" } do
      local out = "wide-" .. #setting
      local code, said = M.run("export " .. setting:gsub("moonweld", "; moonweld", 1) .. " --models wide+" .. folder .. " -o " .. out)
      assert.equal(0, code, said)
      first = first or M.bytes(out .. "/model.safetensors")
      assert.equal(first, M.bytes(out .. "/model.safetensors"))
    end
  end)

  it("gives sums, draws and what is found of rows as a merged copy of it does", function()
    M.model("tall", { [Q .. ".weight"] = tensor(1, 300, 302), ["other.weight"] = tensor(2, 100, 400) }, config)
    local folder = adapter(join(factors(Q, 5, 300, 302, 20), factors("other", 5, 100, 400, 30)), '"r": 5, "lora_alpha": 1.7')
    M.write("rows.lua", assert(io.open "tests/golden/rows.lua"):read "a")
    assert.equal(0, M.run("moonweld soup --models tall+" .. folder .. " -o tall-merged"))
    for i, command in ipairs { "slerp --t 0.3 --a tall --b %s", "dare_ties --base tall --experts tall %s --drop 0.4", "./rows.lua --a %s --b tall" } do
      local bytes = {}
      for _, model in ipairs { "tall+" .. folder, "tall-merged" } do
        local out = model:sub(1, 5) .. i .. #model
        local code, said = M.run("moonweld " .. command:format(model) .. " -o " .. out)
        assert.equal(0, code, said)
        bytes[#bytes + 1] = M.bytes(out .. "/model.safetensors")
      end
      assert.equal(bytes[1], bytes[2], command)
    end
  end)
end)
