--- Buffers: indices, positions, masks and schedules are no weights. They are the donor's, whole or as the real numbers that tools have
-- made of them, and those of the other inputs must mean the same.
package.path = "tests/reports/?.lua;" .. package.path
local M = require "models"

local function both(name, a, b)
  M.safetensors("a.safetensors", { [name] = a, w = { "F32", { 2 }, 1 } })
  M.safetensors("b.safetensors", { [name] = b, w = { "F32", { 2 }, 3 } })
end
local forward, backward = "moonweld lerp --a a.safetensors --b b.safetensors", "moonweld lerp --a b.safetensors --b a.safetensors"

--- A merge that is made in silence and has these values.
local function kept(merge, name, values)
  local made, said = M.made(merge)
  assert.same(values, { table.unpack(made[name]) })
  assert.same({ 2, 2 }, { table.unpack(made.w) })
  assert.is_nil(said:find(name, 1, true), said)
end

for _, name in ipairs { "text_model.embeddings.position_ids", "embeddings.token_type_ids", "attn.relative_position_index" } do
  describe(name, function()
    local whole, half, broken = { "I64", { 1, 4 }, { 0, 1, 2, 3 } }, { "F16", { 1, 4 }, { 0, 1, 2, 3 } }, { "F16", { 1, 4 }, { 0, 1, 2, 2.98046875 } }
    it("is the donor's where one file has whole numbers and another the same as real ones", function()
      both(name, whole, half)
      kept(forward, name, { 0, 1, 2, 3 })
      kept(backward, name, { 0, 1, 2, 3 })
      both(name, half, half)
      kept(forward, name, { 0, 1, 2, 3 })
    end)
    it("is never averaged, and one that was is told of", function()
      for _, good in ipairs { whole, half } do
        both(name, good, broken)
        M.refused(forward, ("b: tensor '%s' is no weight, and differs from a's: element 3 is 2.98047 (F16) here and 3 (%s) there"):format(name, good[1]),
          "--donor-integers takes that of a")
        kept(forward .. " --donor-integers", name, { 0, 1, 2, 3 })
      end
      local _, said = M.made(backward .. " --donor-integers")
      assert.is_truthy(said:find("a: tensor '" .. name .. "' holds 2.98047, which is no index: an older tool has averaged it", 1, true), said)
    end)
    it("of another length is refused", function()
      both(name, whole, { "I64", { 1, 5 }, { 0, 1, 2, 3, 4 } })
      M.refused(forward, name .. "' is no weight, and has 5 elements (I64) here and 4 (I64) in a", "--donor-integers")
    end)
  end)
end

describe("a buffer of real numbers is the donor's, and told of where inputs differ:", function()
  local buffers = { -- name, shape, values, values of another model
    { "model.layers.0.self_attn.rotary_emb.inv_freq", { 2 }, { 1, 0.01 }, { 1, 0.001 } },
    { "inv_freq", { 2 }, { 1, 0.01 }, { 1, 0.001 } },
    { "layers.0.rope.freqs", { 2 }, { 1, 0.5 }, { 1, 0.25 } },
    { "layers.0.attn.rotary_emb.cos_cached", { 1, 1, 2, 1 }, { 1, 0.54 }, { 1, 0.99 } },
    { "alphas_cumprod", { 2 }, { 0.999, 0.0047 }, { 0.999, 0 } },
    { "betas", { 2 }, { 0.00085, 0.012 }, { 0.0001, 0.02 } },
    { "denoiser.sigmas", { 2 }, { 0.03, 14.6 }, { 0.03, 80 } },
    { "transformer.h.0.attn.bias", { 1, 1, 2, 2 }, { 1, 0, 1, 1 }, { 1, 1, 1, 1 } },
    { "gpt_neox.layers.0.attention.bias", { 1, 1, 2, 2 }, { 1, 0, 1, 1 }, { 1, 1, 1, 1 } },
    { "transformer.h.0.attn.masked_bias", {}, { -10000 }, { -1e9 } },
    { "visual.layers.0.attn_mask", { 2, 2 }, { 0, -100, 0, 0 }, { 0, 0, 0, 0 } },
    { "attn.alibi_slopes", { 2 }, { 0.5, 0.25 }, { 0.5, 0.125 } },
    { "pixel_mean", { 3, 1, 1 }, { 123.675, 116.28, 103.53 }, { 0.5, 0.5, 0.5 } },
  }
  it("counts of a training are the donor's, without a word", function()
    for _, dtype in ipairs { "I64", "F32" } do
      both("bn.num_batches_tracked", { dtype, {}, { 5 } }, { dtype, {}, { 9 } })
      local made, said = M.made(forward)
      assert.equal(5, made["bn.num_batches_tracked"][1])
      assert.is_nil((said or ""):find("num_batches", 1, true))
      assert.equal(9, M.made(backward)["bn.num_batches_tracked"][1])
    end
  end)
  for _, case in ipairs(buffers) do
    local name, shape, values, others = table.unpack(case)
    it(name, function()
      both(name, { "F32", shape, values }, { "F32", shape, others })
      M.refused(forward, "b: tensor '" .. name .. "' is no weight, and differs from a's: element ", "--donor-integers takes that of a")
      local made = M.made(forward .. " --donor-integers")
      for i, value in ipairs(values) do assert.near(value, made[name][i], 1e-6 * math.abs(value)) end
      made = M.made(backward .. " --donor-integers")
      for i, value in ipairs(others) do assert.near(value, made[name][i], 1e-6 * math.abs(value)) end
    end)
  end

  it("rounding to 16 bits is no difference, and a buffer that one file lacks is none", function()
    local name = "rotary_emb.inv_freq"
    both(name, { "F32", { 3 }, { 1, 0.1, 0.0001 } }, { "BF16", { 3 }, { 1, 0.1, 0.0001 } })
    local made, said = M.made(forward)
    assert.near(0.1, made[name][2], 1e-8)
    assert.is_nil(said:find(name, 1, true), said)
    both(name, { "F32", { 3 }, { 1, 0.1, 0.0001 } }, nil)
    assert.near(0.1, M.made(forward)[name][2], 1e-8)
    assert.is_nil(M.made(backward)[name])
  end)

  it("whole numbers that a double does not tell apart are", function()
    both("seeds", { "I64", { 1 }, 9007199254740992 }, { "I64", { 1 }, 9007199254740993 })
    M.refused(forward, "tensor 'seeds' is no weight")
  end)

  it("a bias of one dimension, and what is only called alike, are weights", function()
    for _, name in ipairs { "attn.bias", "layers.0.attention.bias", "my_betas.weight", "sigmas_net", "mlp.gate.bias" } do
      both(name, { "F32", { 2 }, 1 }, { "F32", { 2 }, 3 })
      assert.same({ 2, 2 }, { table.unpack((M.made(forward))[name]) })
    end
  end)
end)

it("counters and masks of other dtypes are told of with what would be done", function()
  for _, pair in ipairs { { { "I64", {}, 5 }, { "I64", {}, 9 } }, { { "BOOL", { 2 }, 1 }, { "U8", { 2 }, 0 } }, { { "BOOL", { 2 }, 1 }, { "F32", { 2 }, 0 } } } do
    both("attn.seen", pair[1], pair[2])
    M.refused(forward, "attn.seen", "--donor-integers takes that of a")
    local made = M.made(forward .. " --donor-integers")
    assert.equal(pair[1][3], made["attn.seen"][1])
  end
end)

describe("statistics of batch norms", function()
  it("are merged with a warning where they differ, by one for all", function()
    both("bn.running_var", { "F32", { 2 }, { 1, 20 } }, { "F32", { 2 }, { 3, 4 } })
    local made, said = M.made(forward)
    assert.same({ 2, 12 }, { table.unpack(made["bn.running_var"]) })
    assert.is_truthy(said:find("statistics of batch norms differ, such as 'bn.running_var' (1 tensor), and are merged like weights", 1, true), said)
    both("bn.running_var", { "F32", { 2 }, { 1, 20 } }, { "F32", { 2 }, { 1, 20 } })
    said = select(2, M.made(forward))
    assert.is_nil(said:find("statistic", 1, true), said)
  end)
  it("never have a variance below 0", function()
    both("bn.running_var", { "F32", { 2 }, { 1, 20 } }, { "F32", { 2 }, { 3, 4 } })
    M.refused(forward .. " --t 3", "tensor 'bn.running_var' of the result: 1 of 2 variances are below 0, the least -28")
  end)
end)
