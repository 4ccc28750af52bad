--- Buffers of indices: whole or as the real numbers that older tools have made of them, equal or not.
package.path = "tests/reports/?.lua;" .. package.path
local M = require "models"

local function both(name, a, b)
  M.safetensors("a.safetensors", { [name] = a, w = { "F32", { 2 }, 1 } })
  M.safetensors("b.safetensors", { [name] = b, w = { "F32", { 2 }, 3 } })
end
local forward, backward = "moonweld lerp --a a.safetensors --b b.safetensors", "moonweld lerp --a b.safetensors --b a.safetensors"

for _, name in ipairs { "text_model.embeddings.position_ids", "embeddings.token_type_ids", "attn.relative_position_index" } do
  describe(name, function()
    local whole, half, broken = { "I64", { 1, 4 }, { 0, 1, 2, 3 } }, { "F16", { 1, 4 }, { 0, 1, 2, 3 } }, { "F16", { 1, 4 }, { 0, 1, 2, 2.98046875 } }
    it("is the donor's by --donor-integers where one file has whole numbers and another real ones", function()
      both(name, whole, half)
      M.refused(forward, "b: tensor '" .. name .. "' is F16 here and I64 in a", "--donor-integers takes that of a")
      M.refused(backward, "b: tensor '" .. name .. "' is I64 here and F16 in a", "--donor-integers takes that of a")
      for _, merge in ipairs { forward, backward } do
        local made, said = M.made(merge .. " --donor-integers")
        assert.same({ 0, 1, 2, 3 }, { table.unpack(made[name]) })
        assert.same({ 2, 2 }, { table.unpack(made.w) })
        assert.is_nil(said:find("averaged", 1, true), said)
      end
    end)
    it("is never averaged, and one that was is told of", function()
      both(name, half, broken)
      M.refused(forward, "b: F16 tensor '" .. name .. "' differs from that of a", "--donor-integers")
      local made, said = M.made(forward .. " --donor-integers")
      assert.same({ 0, 1, 2, 3 }, { table.unpack(made[name]) })
      assert.is_nil(said:find("averaged", 1, true), said)
      _, said = M.made(backward .. " --donor-integers")
      assert.is_truthy(said:find("a: tensor '" .. name .. "' holds 2.98047, which is no index: an older tool has averaged it", 1, true), said)
      both(name, half, half)
      made = M.made(forward)
      assert.same({ 0, 1, 2, 3 }, { table.unpack(made[name]) })
    end)
  end)
end

it("counters of batches and masks of other dtypes are told of with what would be done", function()
  for _, pair in ipairs { { { "I64", {}, 5 }, { "I64", {}, 9 } }, { { "BOOL", { 2 }, 1 }, { "U8", { 2 }, 1 } }, { { "BOOL", { 2 }, 1 }, { "F32", { 2 }, 1 } } } do
    both("bn.num_batches_tracked", pair[1], pair[2])
    M.refused(forward, "bn.num_batches_tracked", "--donor-integers takes that of a")
    local made = M.made(forward .. " --donor-integers")
    assert.equal(pair[1][3], made["bn.num_batches_tracked"][1])
  end
end)

it("variances of batch norms never go below 0", function()
  both("bn.running_var", { "F32", { 2 }, { 1, 20 } }, { "F32", { 2 }, { 3, 4 } })
  M.refused(forward .. " --t 3", "tensor 'bn.running_var' of the result: 1 of 2 variances are below 0, the least -28")
  assert.same({ 2, 12 }, { table.unpack((M.made(forward))["bn.running_var"]) })
end)
