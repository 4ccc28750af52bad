--- What inputs say of themselves beside their weights: marks of checkpoints, metadata, a tokenizer that only one of them has, and a model
-- that is given twice.
package.path = "tests/reports/?.lua;" .. package.path
local M = require "models"

local function file(name, fill, more, metadata)
  local tensors = { ["model.diffusion_model.input_blocks.0.0.weight"] = { "F16", { 2 }, fill } }
  for mark in pairs(more or {}) do tensors[mark] = { "F16", { 0 }, 0 } end
  M.safetensors(name .. ".safetensors", tensors, metadata)
end
local marks = { v_pred = true, ztsnr = true }
file("noise", 1)
file("noise2", 3)
file("velocity", 3, marks)
file("velocity2", 5, marks)

describe("a checkpoint that predicts velocity", function()
  for _, pair in ipairs { { "noise", "velocity" }, { "velocity", "noise" } } do
    local merge = ("moonweld lerp --a %s.safetensors --b %s.safetensors"):format(pair[1], pair[2])
    it("is not merged with one of noise, whatever is said of names: " .. pair[1] .. " and " .. pair[2], function()
      M.refused(merge, "b: the mark 'v_pred' is ", "they predict different things", "--allow config merges them all the same; the output then is of a's kind")
      M.refused(merge .. " --missing base", "the mark 'v_pred'")
      local made, said = M.made(merge .. " --missing base --allow config")
      assert.equal(2, made["model.diffusion_model.input_blocks.0.0.weight"][1])
      assert.equal(pair[1] == "velocity", made.v_pred ~= nil)
      assert.is_truthy(said:find("let through by --allow config, the output is a's kind", 1, true), said)
    end)
  end
  it("is merged with another one, and keeps its marks", function()
    local made = M.made "moonweld lerp --a velocity.safetensors --b velocity2.safetensors"
    assert.equal(4, made["model.diffusion_model.input_blocks.0.0.weight"][1])
    assert.truthy(made.v_pred and made.ztsnr)
  end)
  it("is known by its metadata", function()
    file("said", 1, nil, '{"modelspec.prediction_type":"epsilon","modelspec.architecture":"stable-diffusion-xl-v1-base"}')
    file("other", 3, nil, '{"modelspec.prediction_type":"v","modelspec.architecture":"stable-diffusion-xl-v1-base"}')
    M.refused("moonweld lerp --a said.safetensors --b other.safetensors", 'b: modelspec.prediction_type is "v" here and "epsilon" in a: they predict different things')
    file("other", 3, nil, '{"modelspec.prediction_type":"epsilon","modelspec.architecture":"stable-diffusion-v1"}')
    local said = select(2, M.made "moonweld lerp --a said.safetensors --b other.safetensors")
    assert.is_truthy(said:find('b: metadata: modelspec.architecture is "stable-diffusion-v1" here and "stable-diffusion-xl-v1-base" in a; the output has a\'s', 1, true), said)
    said = select(2, M.made "moonweld lerp --a said.safetensors --b noise.safetensors")
    assert.is_nil(said:find("modelspec", 1, true), said)
  end)
end)

describe("a folder", function()
  local tensors = { ["model.layers.0.w"] = { "F32", { 2 }, 1 } }
  M.model("plain", tensors, '{"model_type": "toy"}')
  M.model("tokens", tensors, '{"model_type": "toy"}', { ["tokenizer.json"] = '{"model": {"vocab": {"a": 0}}}' })
  it("without a tokenizer as the donor is told of where another has one", function()
    local _, said, out = M.made "moonweld lerp --a plain --b tokens"
    assert.is_truthy(said:find("b has a tokenizer, which a lacks: the output has none; --donor 'b' takes config and tokenizer of b", 1, true), said)
    assert.falsy(M.bytes(out .. "/tokenizer.json"))
    _, said, out = M.made "moonweld lerp --a plain --b tokens --donor b"
    assert.is_nil(said:find("has a tokenizer", 1, true), said)
    assert.truthy(M.bytes(out .. "/tokenizer.json"))
  end)
  it("without a configuration is told of with what to give", function()
    M.safetensors("bare/model.safetensors", tensors)
    M.refused("moonweld lerp --a bare --b plain", "bare/config.json", "a model without a configuration is given as its safetensors file, not as a folder")
    M.made "moonweld lerp --a bare/model.safetensors --b plain/model.safetensors"
  end)
  it("that is base and expert at once changes nothing, and is told of", function()
    local _, said = M.made "moonweld task_arithmetic --base plain --experts tokens plain"
    assert.is_truthy(said:find("experts[2] is the same model as base: it changes nothing of it", 1, true), said)
    assert.is_nil(said:find("experts[1] is the same", 1, true), said)
  end)
end)
