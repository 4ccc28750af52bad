--- Models with adapters: W + s B A, formed while it is read, against the same in plain Lua; and adapters that are refused.
package.path = "tests/reports/?.lua;" .. package.path
local M, low_rank = require "models", require "low_rank"
local numbers, tensor, added, turned = low_rank.numbers, low_rank.tensor, low_rank.added, low_rank.turned

local config = '{"model_type": "toy", "num_hidden_layers": 1}'

local base = {
  ["model.layers.0.q.weight"] = tensor(1, 6, 4), ["model.layers.0.q.bias"] = tensor(2, 6), ["model.layers.0.up.weight"] = tensor(3, 5, 4),
  ["model.embed.weight"] = tensor(4, 7, 4), ["model.conv.weight"] = tensor(5, 3, 2, 3, 3), ["model.layers.0.square.weight"] = tensor(6, 4, 4),
}
M.model("base", base, config)

local function factors(module, rank, out, inputs, seed, more)
  local list = { ["base_model.model." .. module .. ".lora_A.weight"] = tensor(seed, rank, inputs), ["base_model.model." .. module .. ".lora_B.weight"] = tensor(seed + 1, out, rank) }
  for name, value in pairs(more or {}) do list[name] = value end
  return list
end

local written = 0
--- An adapter's folder; `settings` are the keys of its configuration beside peft_type.
local function adapter(tensors, settings)
  written = written + 1
  local folder = "adapter" .. written
  M.safetensors(folder .. "/adapter_model.safetensors", tensors)
  M.write(folder .. "/adapter_config.json", '{"peft_type": "LORA", ' .. (settings or '"r": 2, "lora_alpha": 4') .. "}")
  return folder
end

local function join(...)
  local all = {}
  for _, list in ipairs { ... } do for name, value in pairs(list) do all[name] = value end end
  return all
end

local function same(found, expected)
  assert.equal(#expected, #found)
  for i, value in ipairs(expected) do assert.equal(value, found[i], "element " .. i) end
end
local function near(found, expected)
  assert.equal(#expected, #found)
  for i, value in ipairs(expected) do assert.is_true(math.abs(value - found[i]) <= 1e-6 * (1 + math.abs(value)), ("element %d: %.9g, expected %.9g"):format(i, found[i], value)) end
end
local function with(folder) return (M.made("moonweld soup --models base+" .. folder)) end
local Q, UP, EMBED, CONV, SQUARE = "model.layers.0.q", "model.layers.0.up", "model.embed", "model.conv", "model.layers.0.square"
local function q(scale, seed) return added(base[Q .. ".weight"][3], scale, numbers(12, seed + 1), numbers(8, seed), 6, 2, 4) end

--- Left * right, row after row.
local function product(left, right, rows, rank, columns)
  local zeros = {}
  for i = 1, rows * columns do zeros[i] = 0 end
  return added(zeros, 1, left, right, rows, rank, columns)
end
--- W + scale * (x * y), element by element.
local function hadamard(w, scale, x, y)
  local list = {}
  for i in ipairs(w) do list[i] = w[i] + scale * (x[i] * y[i]) end
  return list
end
--- W + scale * the Kronecker product of x [rows, columns] and y [r, s].
local function kronecker(w, scale, x, rows, columns, y, r, s)
  local list = {}
  for i = 0, rows * r - 1 do
    for j = 0, columns * s - 1 do
      local at = i * columns * s + j + 1
      list[at] = w[at] + scale * (x[i // r * columns + j // s + 1] * y[i % r * s + j % s + 1])
    end
  end
  return list
end

describe("a model with a LoHa or a LoKr", function()
  local LOHA, LOKR, peft = '{"peft_type": "LOHA", "r": 2, "alpha": 4, "rank_dropout": 0.1}', '{"peft_type": "LOKR", "r": 2, "alpha": 4, "decompose_factor": -1}', "base_model.model."
  local function other(settings, tensors)
    written = written + 1
    local folder, named = "adapter" .. written, {}
    for name, value in pairs(tensors) do named[peft .. name] = value end
    M.safetensors(folder .. "/adapter_model.safetensors", named)
    M.write(folder .. "/adapter_config.json", settings)
    return folder
  end
  local function haha(module, out, inputs, seed, more)
    local list = { [module .. ".hada_w1_a"] = tensor(seed, out, 2), [module .. ".hada_w1_b"] = tensor(seed + 1, 2, inputs),
      [module .. ".hada_w2_a"] = tensor(seed + 2, out, 2), [module .. ".hada_w2_b"] = tensor(seed + 3, 2, inputs) }
    for name, value in pairs(more or {}) do list[name] = value end
    return list
  end
  local function hadamards(w, scale, out, inputs, seed)
    return hadamard(w, scale, product(numbers(out * 2, seed), numbers(2 * inputs, seed + 1), out, 2, inputs),
      product(numbers(out * 2, seed + 2), numbers(2 * inputs, seed + 3), out, 2, inputs))
  end

  it("has the product, element by element, of two matrices of low rank", function()
    local list = haha(Q, 6, 4, 20)
    for name, value in pairs(haha(CONV, 3, 18, 40)) do list[name] = value end
    local folder = other(LOHA, list)
    local out = with(folder)
    same(out[Q .. ".weight"], hadamards(base[Q .. ".weight"][3], 2, 6, 4, 20))
    same(out[CONV .. ".weight"], hadamards(base[CONV .. ".weight"][3], 2, 3, 18, 40))
    same(out[UP .. ".weight"], base[UP .. ".weight"][3])
    near(M.made("moonweld soup --models base+" .. folder .. "+" .. adapter(factors(Q, 2, 6, 4, 20)))[Q .. ".weight"],
      added(hadamards(base[Q .. ".weight"][3], 2, 6, 4, 20), 2, numbers(12, 21), numbers(8, 20), 6, 2, 4))
    M.model("halves", { [Q .. ".weight"] = { "BF16", { 6, 4 }, base[Q .. ".weight"][3] } }, config)
    same(M.made("moonweld soup --dtype f32 --models halves+" .. other(LOHA, haha(Q, 6, 4, 20)))[Q .. ".weight"], hadamards(base[Q .. ".weight"][3], 2, 6, 4, 20))
    assert.is_truthy(select(2, M.run("moonweld inspect base+" .. folder)):find("+ rank 2 (LoHa)", 1, true))
  end)

  it("has the Kronecker product of two matrices, each whole or of low rank", function()
    local w = base[Q .. ".weight"][3]
    same(with(other(LOKR, { [Q .. ".lokr_w1"] = tensor(20, 2, 2), [Q .. ".lokr_w2"] = tensor(21, 3, 2) }))[Q .. ".weight"],
      kronecker(w, 2, numbers(4, 20), 2, 2, numbers(6, 21), 3, 2))
    same(with(other(LOKR, { [Q .. ".lokr_w1"] = tensor(20, 2, 2), [Q .. ".lokr_w2_a"] = tensor(21, 3, 2), [Q .. ".lokr_w2_b"] = tensor(22, 2, 2) }))[Q .. ".weight"],
      kronecker(w, 2, numbers(4, 20), 2, 2, product(numbers(6, 21), numbers(4, 22), 3, 2, 2), 3, 2))
    same(with(other(LOKR, { [Q .. ".lokr_w1_a"] = tensor(23, 3, 2), [Q .. ".lokr_w1_b"] = tensor(24, 2, 2), [Q .. ".lokr_w2"] = tensor(21, 2, 2) }))[Q .. ".weight"],
      kronecker(w, 2, product(numbers(6, 23), numbers(4, 24), 3, 2, 2), 3, 2, numbers(4, 21), 2, 2))
    same(with(other(LOKR, { [CONV .. ".lokr_w1"] = tensor(25, 3, 2), [CONV .. ".lokr_w2"] = tensor(26, 1, 1, 3, 3) }))[CONV .. ".weight"],
      kronecker(base[CONV .. ".weight"][3], 2, numbers(6, 25), 3, 2, numbers(9, 26), 1, 9))
  end)

  it("is read as part of any merge, and by ranges of a large tensor as a whole one is", function()
    local rows, columns = 48, 1500
    M.model("wide", { [Q .. ".weight"] = tensor(3, rows, columns) }, config)
    local list = { [Q .. ".lokr_w1"] = tensor(20, 8, 15), [Q .. ".lokr_w2"] = tensor(21, 6, 100) }
    local function different(found, expected)
      local count = 0
      for i, value in ipairs(expected) do if found[i] ~= value then count = count + 1 end end
      return count
    end
    local w = numbers(rows * columns, 3)
    assert.equal(0, different(M.made("moonweld soup --threads 3 --models wide+" .. other(LOKR, list))[Q .. ".weight"],
      kronecker(w, 2, numbers(120, 20), 8, 15, numbers(600, 21), 6, 100)))
    local out = M.made("moonweld lerp --t 0.5 --a wide --b wide+" .. other(LOHA, haha(Q, rows, columns, 20)))[Q .. ".weight"]
    local expected = hadamards(w, 2, rows, columns, 20)
    for i in ipairs(expected) do expected[i] = w[i] + 0.5 * (expected[i] - w[i]) end
    assert.equal(0, different(out, expected)) -- all of them are sums of few powers of two
  end)

  it("has kohya's names, and alpha in the file", function()
    local flat = "lora_unet_model_layers_0_q"
    local list = haha(flat, 6, 4, 20, { [flat .. ".alpha"] = { "F32", {}, 1 } })
    M.safetensors("hada.safetensors", list)
    same(with("hada.safetensors")[Q .. ".weight"], hadamards(base[Q .. ".weight"][3], 0.5, 6, 4, 20))
    M.safetensors("lokr.safetensors", { [flat .. ".lokr_w1"] = tensor(20, 2, 2), [flat .. ".lokr_w2_a"] = tensor(21, 3, 2), [flat .. ".lokr_w2_b"] = tensor(22, 2, 2),
      [flat .. ".alpha"] = { "F32", {}, 8 } })
    same(with("lokr.safetensors")[Q .. ".weight"], kronecker(base[Q .. ".weight"][3], 4, numbers(4, 20), 2, 2, product(numbers(6, 21), numbers(4, 22), 3, 2, 2), 3, 2))
    -- whole matrices are not scaled, whatever alpha is
    M.safetensors("lokr.safetensors", { [flat .. ".lokr_w1"] = tensor(20, 2, 2), [flat .. ".lokr_w2"] = tensor(21, 3, 2), [flat .. ".alpha"] = { "F32", {}, 8 } })
    same(with("lokr.safetensors")[Q .. ".weight"], kronecker(base[Q .. ".weight"][3], 1, numbers(4, 20), 2, 2, numbers(6, 21), 3, 2))
  end)

  it("is refused where its factors do not fit, or are of a form that is not known", function()
    local function wrong(settings, list, ...) M.refused("moonweld soup --models base+" .. other(settings, list), ...) end
    wrong(LOHA, haha(Q, 6, 5, 20), "module 'model.layers.0.q': the two matrices of its LoHa are [6, 5] and [6, 5], but the base's tensor has shape [6,4]")
    wrong(LOKR, { [Q .. ".lokr_w1"] = tensor(1, 2, 2), [Q .. ".lokr_w2"] = tensor(2, 2, 2) }, "the two matrices of its LoKr are [2, 2] and [2, 2]", "[6,4]")
    wrong(LOKR, { [Q .. ".lokr_w1"] = tensor(1, 2, 2) }, "a LoKr has lokr_w1 or its two factors, and lokr_w2 or its two")
    wrong(LOKR, { [Q .. ".lokr_w1"] = tensor(1, 2, 2), [Q .. ".lokr_w2_a"] = tensor(1, 6, 1) }, "a LoKr has lokr_w1")
    wrong(LOKR, { [Q .. ".lokr_w1"] = tensor(1, 4), [Q .. ".lokr_w2"] = tensor(1, 6, 1) }, "a factor of it is no matrix")
    wrong(LOHA, haha(Q, 6, 4, 20, { [Q .. ".hada_w2_a"] = tensor(1, 6, 3) }), "the ranks of two of its factors disagree")
    wrong(LOHA, haha(Q, 6, 4, 20, { [Q .. ".hada_w2_a"] = tensor(1, 6, 1), [Q .. ".hada_w2_b"] = tensor(1, 1, 4) }), "the ranks of its two products disagree")
    wrong(LOHA, haha(Q, 6, 4, 20, { [Q .. ".lora_magnitude_vector"] = tensor(1, 6) }), "a LoHa or LoKr with a magnitude or bias is not known")
    wrong(LOHA, haha(Q, 6, 4, 20, { [Q .. ".lokr_w2"] = tensor(1, 6, 4) }), "is adapted twice, by a LoHa and a LoKr")
    wrong(LOHA, haha(Q, 6, 4, 20, { [Q .. ".hada_t1"] = tensor(1, 2, 2) }), "hada_t1", "no kind of adapter that is known here")
    wrong('{"peft_type": "LOHA", "r": 3, "alpha": 4}', haha(Q, 6, 4, 20), "the ranks disagree: 2 of its factors, 3 of the configuration")
    wrong('{"peft_type": "LOHA", "r": 2, "alpha": 4, "use_rank_flow": true}', haha(Q, 6, 4, 20), "use_rank_flow")
    local nan = haha(Q, 6, 4, 20, { [Q .. ".hada_w2_a"] = { "F32", { 6, 2 }, 0 / 0 } })
    wrong(LOHA, nan, "NaN or infinite: the adapter cannot be used")
  end)
end)

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
    M.model("wide", { [Q .. ".weight"] = tensor(1, 300, 301), ["other.weight"] = tensor(2, 100, 400) }, config)
    local folder = adapter(join(factors(Q, 5, 300, 301, 20), factors("other", 5, 100, 400, 30)), '"r": 5, "lora_alpha": 1.7')
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

describe("a model with adapters of peft that are no products of a module", function()
  local E = "model.layers.0.mlp.experts"
  local PARAMETERS = '"r": 2, "lora_alpha": 4, "target_parameters": ["mlp.experts.gate_up_proj", "mlp.experts.down_proj"]'
  --- Factors of three experts for W [out, in] each: A [3 * 2, in], B [out, 2 * 3], a column of B for each expert side by side.
  local function experts(place, out, inputs, seed)
    return { ["base_model.model." .. place .. ".lora_A.weight"] = tensor(seed, 6, inputs), ["base_model.model." .. place .. ".lora_B.weight"] = tensor(seed + 1, out, 6) }
  end
  local function rows(list, width, first, count) return { table.unpack(list, first * width + 1, (first + count) * width) } end
  --- What expert e gets: W [out, in] + 2 * B_e A_e; of B the rows from `from` on.
  local function made(w, e, out, inputs, seed, from)
    local a, b, left = rows(numbers(6 * inputs, seed), inputs, 2 * e, 2), numbers((out + (from or 0)) * 6, seed + 1), {}
    for i = 0, out - 1 do for k = 0, 1 do left[#left + 1] = b[(i + (from or 0)) * 6 + k * 3 + e + 1] end end
    return added(w, 2, left, a, out, 2, inputs)
  end
  local function joined(f) local all = {} for e = 0, 2 do for _, x in ipairs(f(e)) do all[#all + 1] = x end end return all end

  it("adds to each expert of one tensor the product of its own factors, also where in and out change places", function()
    local w = numbers(3 * 10 * 4, 1)
    local moe = { [E .. ".gate_up_proj"] = { "F32", { 3, 10, 4 }, w }, [E .. ".down_proj"] = tensor(2, 3, 4, 5), ["model.layers.0.q.weight"] = tensor(3, 4, 4) }
    M.model("moe", moe, config)
    local folder = adapter(join(experts(E .. ".base_layer", 10, 4, 20), experts(E, 4, 5, 40)), PARAMETERS)
    local out = M.made("moonweld soup --models moe+" .. folder)
    same(out[E .. ".gate_up_proj"], joined(function(e) return made(rows(w, 4, e * 10, 10), e, 10, 4, 20) end))
    same(out[E .. ".down_proj"], joined(function(e) return made(rows(numbers(60, 2), 5, e * 4, 4), e, 4, 5, 40) end))
    same(out["model.layers.0.q.weight"], numbers(16, 3))
    assert.is_truthy(select(2, M.run("moonweld inspect moe+" .. folder)):find("+ rank 2 for each expert", 1, true))
    moe[E .. ".gate_up_proj"][2], moe[E .. ".down_proj"][2] = { 3, 4, 10 }, { 3, 5, 4 } -- [experts, in, out], as GPT-OSS has them
    M.model("turned-moe", moe, config)
    out = M.made("moonweld soup --models turned-moe+" .. folder)
    same(out[E .. ".gate_up_proj"], joined(function(e) return turned(made(turned(rows(w, 4, e * 10, 10), 4, 10), e, 10, 4, 20), 10, 4) end))
  end)

  it("finds experts that a file has one by one, under either of their names", function()
    for _, names in ipairs { { "mlp", "gate_proj", "up_proj", "down_proj" }, { "block_sparse_moe", "w1", "w3", "w2" } } do
      local moe, place = {}, ("model.layers.0.%s.experts."):format(names[1])
      for e = 0, 2 do
        for i, shape in ipairs { { 5, 4 }, { 5, 4 }, { 4, 5 } } do moe[place .. e .. "." .. names[i + 1] .. ".weight"] = tensor(e * 3 + i, table.unpack(shape)) end
      end
      M.model("each-" .. names[1], moe, config)
      local out = M.made("moonweld soup --models each-" .. names[1] .. "+" .. adapter(join(experts(E .. ".base_layer", 10, 4, 20), experts(E, 4, 5, 40)), PARAMETERS))
      for e = 0, 2 do
        local function found(i) return out[place .. e .. "." .. names[i + 1] .. ".weight"] end
        same(found(1), made(numbers(20, e * 3 + 1), e, 5, 4, 20))
        same(found(2), made(numbers(20, e * 3 + 2), e, 5, 4, 20, 5))
        same(found(3), made(numbers(20, e * 3 + 3), e, 4, 5, 40))
      end
    end
  end)

  it("takes a parameter that is named in two ways once, also of many experts of rank 1", function()
    local count, moe, place = 600, {}, "model.layers.0.mlp.experts."
    for e = 0, count - 1 do
      for i, name in ipairs { "gate_proj", "up_proj" } do moe[place .. e .. "." .. name .. ".weight"] = tensor(2 * e + i, 2, 3) end
    end
    M.model("many", moe, config)
    local bank = { ["base_model.model." .. E .. ".lora_A.weight"] = tensor(5000, count, 3), ["base_model.model." .. E .. ".lora_B.weight"] = tensor(5001, 4, count) }
    local out = M.made("moonweld soup --models many+" .. adapter(bank, '"r": 1, "lora_alpha": 2, "target_parameters": ["mlp.experts.gate_up_proj", "experts.gate_up_proj"]'))
    local a, b = numbers(count * 3, 5000), numbers(4 * count, 5001)
    for e = 0, count - 1 do
      for i, name in ipairs { "gate_proj", "up_proj" } do
        local from = 2 * (i - 1)
        same(out[place .. e .. "." .. name .. ".weight"],
          added(numbers(6, 2 * e + i), 2, { b[from * count + e + 1], b[(from + 1) * count + e + 1] }, rows(a, 3, e, 1), 2, 1, 3))
      end
    end
  end)

  it("refuses factors that fit no tensor of target_parameters", function()
    M.refused("moonweld soup --models each-mlp+" .. adapter(experts(E, 4, 7, 20), PARAMETERS),
      "has factors A of shape [6,7] and B of shape [4,6], which fit no tensor of the base that target_parameters names")
    local scalar = { ["base_model.model." .. E .. ".lora_A.weight"] = { "F32", {}, { 1 } }, ["base_model.model." .. E .. ".lora_B.weight"] = tensor(1, 4, 6) }
    M.refused("moonweld soup --models each-mlp+" .. adapter(scalar, PARAMETERS), "has factors A of shape [] and B of shape [4,6], which fit no tensor of the base")
  end)

  it("reads ranges of a large bank of experts as a whole one", function()
    local out, inputs = 40, 700
    M.model("bank", { [E .. ".down_proj"] = tensor(2, 3, out, inputs) }, config)
    local w, found = numbers(3 * out * inputs, 2), M.made("moonweld soup --threads 3 --models bank+" .. adapter(experts(E, out, inputs, 20), PARAMETERS))[E .. ".down_proj"]
    local expected, different = joined(function(e) return made(rows(w, inputs, e * out, out), e, out, inputs, 20) end), 0
    for i, value in ipairs(expected) do if found[i] ~= value then different = different + 1 end end
    assert.equal(0, different)
  end)

  it("puts trained tokens in the place of the base's rows", function()
    local delta = { ["base_model.model.model.embed.token_adapter.trainable_tokens_delta"] = tensor(30, 2, 4) }
    local function expected(first, second)
      local list = { table.unpack(base[EMBED .. ".weight"][3]) }
      for i = 1, 4 do list[first * 4 + i], list[second * 4 + i] = numbers(8, 30)[i], numbers(8, 30)[4 + i] end
      return list
    end
    local settings = '"r": 2, "lora_alpha": 4, "trainable_token_indices": '
    local out = with(adapter(join(delta, factors(Q, 2, 6, 4, 20)), settings .. "[6, 1]"))
    same(out[EMBED .. ".weight"], expected(6, 1))
    same(out[Q .. ".weight"], q(2, 20))
    same(with(adapter(delta, settings .. '{"embed": [0, 3], "lm_head": [1]}'))[EMBED .. ".weight"], expected(0, 3))
    M.refused("moonweld soup --models base+" .. adapter(delta, settings .. "[6, 7]"), "module 'model.embed': token 7 was trained, but the base has rows for 7", "resize_token_embeddings")
    M.refused("moonweld soup --models base+" .. adapter(delta, settings .. "[6, 6]"), "trainable_token_indices has token 6 twice")
    M.refused("moonweld soup --models base+" .. adapter(delta, settings .. "[6]"), "module 'model.embed' has trained tokens of shape [2,4], expected rows of 1 tokens of the base's [7,4]")
    M.refused("moonweld soup --models base+" .. adapter({ ["base_model.model.model.embed.token_adapter.trainable_tokens_delta"] = { "F32", {}, { 1 } } }, settings .. "[6]"),
      "module 'model.embed' has trained tokens of shape [], expected rows of 1 tokens of the base's [7,4]")
    M.refused("moonweld soup --models base+" .. adapter(delta), "module 'model.embed' has trained tokens, and trainable_token_indices does not say which")
    M.refused("moonweld soup --models base+" .. adapter({ ["base_model.model.model.embed.weight"] = tensor(1, 9, 4) }), "has shape [9,4], but the base's has shape [7,4]", "resize_token_embeddings")
    local folder = "adapter" .. written + 1
    adapter({ ["base_model.model.model.embed.trainable_tokens_delta"] = tensor(30, 2, 4) })
    M.write(folder .. "/adapter_config.json", '{"peft_type": "TRAINABLE_TOKENS", "token_indices": [2, 5], "target_modules": ["embed"]}')
    same(with(folder)[EMBED .. ".weight"], expected(2, 5))
  end)

  it("multiplies by the numbers of (IA)3: outputs with their bias, or inputs", function()
    local function ia3(tensors, settings)
      local folder = adapter(tensors)
      M.write(folder .. "/adapter_config.json", '{"peft_type": "IA3", "feedforward_modules": ["up"]' .. (settings or "") .. "}")
      return folder
    end
    local outs, ins = { ["base_model.model." .. Q .. ".ia3_l"] = tensor(30, 6, 1) }, { ["base_model.model." .. UP .. ".ia3_l"] = tensor(31, 1, 4) }
    local function times(w, columns, by, per_column)
      local list = {}
      for i, value in ipairs(w) do list[i] = value * by[per_column and (i - 1) % columns + 1 or (i - 1) // columns + 1] end
      return list
    end
    local folder = ia3(join(outs, ins))
    local out = with(folder)
    same(out[Q .. ".weight"], times(base[Q .. ".weight"][3], 4, numbers(6, 30)))
    same(out[Q .. ".bias"], times(base[Q .. ".bias"][3], 6, numbers(6, 30), true))
    same(out[UP .. ".weight"], times(base[UP .. ".weight"][3], 4, numbers(4, 31), true))
    assert.is_truthy(select(2, M.run("moonweld inspect base+" .. folder)):find("* (IA)3", 1, true))
    same(with(ia3({ ["base_model.model." .. SQUARE .. ".ia3_l"] = tensor(30, 4, 1) }, ', "fan_in_fan_out": true'))[SQUARE .. ".weight"],
      times(base[SQUARE .. ".weight"][3], 4, numbers(4, 30), true))
    M.refused("moonweld soup --models base+" .. ia3({ ["base_model.model." .. Q .. ".ia3_l"] = tensor(30, 5, 1) }),
      "module 'model.layers.0.q' is multiplied by 5 numbers, but the base's tensor has 6 rows")
    M.refused("moonweld soup --models base+" .. ia3({ ["base_model.model." .. CONV .. ".ia3_l"] = tensor(30, 1, 2, 1, 1) }), "(IA)3 of a convolution is not known here")
  end)
end)

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
