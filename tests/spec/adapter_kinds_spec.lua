--- Models with adapters that are no LoRA of a module: LoHa, LoKr, experts of one tensor, trained tokens, (IA)3.
package.path = "tests/spec/?.lua;tests/reports/?.lua;" .. package.path
local M, low_rank, adapted = require "models", require "low_rank", require "adapted"
local numbers, tensor, added, turned = low_rank.numbers, low_rank.tensor, low_rank.added, low_rank.turned
local adapter, factors, join, same, near, with, q = adapted.adapter, adapted.factors, adapted.join, adapted.same, adapted.near, adapted.with, adapted.q
local Q, UP, EMBED, CONV, SQUARE, base, config = adapted.Q, adapted.UP, adapted.EMBED, adapted.CONV, adapted.SQUARE, adapted.base, adapted.config
adapted.write_base()

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
    local named = {}
    for name, value in pairs(tensors) do named[peft .. name] = value end
    return adapted.folder(named, settings)
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
    local folder = adapted.folder({ ["base_model.model.model.embed.trainable_tokens_delta"] = tensor(30, 2, 4) },
      '{"peft_type": "TRAINABLE_TOKENS", "token_indices": [2, 5], "target_modules": ["embed"]}')
    same(with(folder)[EMBED .. ".weight"], expected(2, 5))
  end)

  it("multiplies by the numbers of (IA)3: outputs with their bias, or inputs", function()
    local function ia3(tensors, settings)
      return adapted.folder(tensors, '{"peft_type": "IA3", "feedforward_modules": ["up"]' .. (settings or "") .. "}")
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
