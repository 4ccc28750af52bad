--- Models of another layout, by recipes: layers taken, repeated and stacked, names, shapes and configuration as planning knows them.
package.path = "tests/reports/?.lua;" .. package.path
local M = require "models"

local config = '{"model_type": "llama", "num_hidden_layers": 4, "hidden_size": 2, "vocab_size": 3, "num_attention_heads": 1, "tie_word_embeddings": true}'

--- Layer l of the model `fill` holds fill + l, the embedding fill + 100, the final norm fill + 200.
local function layered(depth, fill, dtype, prefix)
  local tensors = { [(prefix or "model") .. ".embed_tokens.weight"] = { dtype or "BF16", { 3, 2 }, fill + 100 },
    [(prefix or "model") .. ".norm.weight"] = { dtype or "BF16", { 2 }, fill + 200 } }
  for layer = 0, depth - 1 do tensors[("%s.layers.%d.up.weight"):format(prefix or "model", layer)] = { dtype or "BF16", { 2, 2 }, fill + layer } end
  return tensors
end

M.model("a", layered(4, 8), config)
M.model("b", layered(4, 32), config)
M.safetensors("wide.safetensors", layered(3, 64, "F32"))

local function recipe(file, body)
  M.write(file, 'return recipe { "A test.", arg.model("a", "a model"), arg.model("b", "another", { optional = true }), function(a)\n' .. body .. "\nend }\n")
  return "moonweld ./" .. file .. " --a a --b b"
end

--- What a recipe makes, as one line: the first value of each layer, then those of the embedding and the norm.
local function made(body, more)
  local tensors, said = M.made(recipe("made.lua", body) .. (more or ""))
  local parts, layer = {}, 0
  while tensors[("model.layers.%d.up.weight"):format(layer)] do
    parts[#parts + 1] = ("%g"):format(tensors[("model.layers.%d.up.weight"):format(layer)][1])
    layer = layer + 1
  end
  parts[#parts + 1] = ("%g %g"):format(tensors["model.embed_tokens.weight"][1], tensors["model.norm.weight"][1])
  return table.concat(parts, " "), tensors, said
end

local function refused(body, ...) return M.refused(recipe("refused.lua", body), ...) end

describe("layers of a model", function()
  it("are taken by a range that ends before its second number, and counted from 0 again", function()
    assert.equal("10 11 108 208", made "return a.a:layers(2, 4)")
    assert.equal("9 108 208", made "return a.a:layers(1, 2)")
    assert.equal("10 11 108 208", made "return a.a:layers(2)")
  end)

  it("count from the end where a number is negative", function()
    assert.equal("10 11 108 208", made "return a.a:layers(-2)")
    assert.equal("9 10 108 208", made "return a.a:layers(1, -1)")
    assert.equal("11 8 108 208", made "return a.a:layers{-1, 0}")
  end)

  it("are taken one by one, in any order and more than once", function()
    assert.equal("8 9 11 108 208", made "return a.a:layers{0, 1, 3}")
    assert.equal("11 8 8 108 208", made "return a.a:layers{3, 0, 0}")
  end)

  it("are refused outside of the model, with what it has", function()
    refused("return a.a:layers(2, 5)", "a has no layers 2 to 5: it has 4, 0 to 3")
    refused("return a.a:layers{4}", "a has no layer 4: it has 4, 0 to 3")
    refused("return a.a:layers(-5, 4)", "a has no layers -5 to 4")
    refused("return a.a:layers(2, 2)", "layers 2 to 2 of a are none: a range ends before its second number")
    refused("return a.a:layers(0.5, 2)", "a layer is a whole number, not 0.5")
    refused("return a.a:layers(0, 2, {off = 'model.layers'})", "there is no option 'off' here")
    refused("return a.a:layers(0, 2, {of = 'model.layer'})", "a has no stack of layers 'model.layer'; it has 'model.layers'")
    refused("return a.a:layers(0, 2, {beside = 'behind'})", [[{beside = ...} is "all", "before", "after" or "none"]])
  end)

  it("bring along what is asked for of all that lies outside of them", function()
    local parts = 'return stack{ a.a:layers(0, 1, {beside = "before"}), a.b:layers(1, 2, {beside = "none"}), a.b:layers(2, 3, {beside = "after"}) }'
    assert.equal("8 33 34 108 232", made(parts))
    assert.equal("9 108 208", made 'return a.a:layers(1, 2, {beside = "all"})')
    for what, names in pairs { none = { "model.layers.0.up.weight" }, before = { "model.embed_tokens.weight", "model.layers.0.up.weight" },
      after = { "model.layers.0.up.weight", "model.norm.weight" } } do
      local tensors, found = M.made(recipe("made.lua", ("return a.a:layers(1, 2, {beside = %q})"):format(what)) .. " --allow config"), {}
      for name in pairs(tensors) do found[#found + 1] = name end
      table.sort(found)
      assert.same(names, found)
    end
  end)
end)

describe("two tensors of one name", function()
  M.safetensors("twice.safetensors", { ["x.0.up.weight"] = { "F32", { 2 }, 1 }, ["x.00.up.weight"] = { "F32", { 2 }, 2 }, ["x.embed"] = { "F32", { 2 }, 3 } })
  it("are refused where layers are numbered anew, and where tensors are renamed, with both names", function()
    local function twice(body) return recipe("refused.lua", body):gsub("%-%-a a %-%-b b", "--a twice.safetensors") end
    M.refused(twice "return a.a:layers(0, 1)", "two tensors would be called 'x.0.up.weight'", "'x.00.up.weight'")
    M.refused(twice "return stack{ a.a, a.a }", "two tensors would be called 'x.0.up.weight'")
    M.refused(twice 'return a.a:rename("x.00.*", "x.0.*")', "'x.00.up.weight'", "would both be called 'x.0.up.weight'")
  end)
end)

describe("a stack", function()
  it("has what precedes the layers from the first model and what follows from the last", function()
    assert.equal("8 9 34 35 108 232", made "return stack{ a.a:layers(0, 2), a.b:layers(2, 4) }")
    assert.equal("32 11 132 208", made "return stack{ a.b:layers(0, 1), a.a:layers(3, 4) }")
  end)

  it("of all layers of one model is that model, bit for bit", function()
    local _, tensors = made "return stack{ a.a:layers(0, 1), a.a:layers(1, 4) }"
    assert.same(M.read "a/model.safetensors", tensors)
    _, tensors = made "return stack{ a.a }"
    assert.same(M.read "a/model.safetensors", tensors)
  end)

  it("of a model twice has each layer twice", function()
    assert.equal("8 9 10 11 8 9 10 11 108 208", made "return stack{ a.a, a.a }")
  end)

  it("may hold what was computed, and be computed with", function()
    assert.equal("20 9 108 208", made "return stack{ lerp(a.a, a.b, 0.5):layers(0, 1), a.a:layers(1, 2) }:with(a.a:only '*embed*')")
    assert.equal("20 20 120 220", made "return lerp(stack{ a.a:layers(0, 1), a.a:layers(0, 1) }, stack{ a.b:layers(0, 1), a.b:layers(0, 1) }, 0.5)")
  end)

  it("keeps the dtype of every tensor that it only moves, unless --dtype says otherwise", function()
    M.write("moved.lua", 'return recipe { "A test.", arg.model("a", "a"), arg.model("b", "b"), function(a)\n' ..
      "return stack{ a.a:layers(0, 1), a.b:layers(1, 3) }\nend }\n")
    local tensors = M.made "moonweld ./moved.lua --a a --b wide.safetensors"
    assert.equal("BF16 F32 F32", tensors["model.layers.0.up.weight"].dtype .. " " .. tensors["model.layers.1.up.weight"].dtype .. " " ..
      tensors["model.norm.weight"].dtype)
    tensors = M.made "moonweld ./moved.lua --a a --b wide.safetensors --dtype f16"
    assert.equal("F16 F16", tensors["model.layers.0.up.weight"].dtype .. " " .. tensors["model.norm.weight"].dtype)
  end)

  it("is refused where the layers of its parts have different names, with the renaming", function()
    M.safetensors("blocks.safetensors", layered(4, 1, "BF16", "backbone"))
    local said = M.refused("moonweld ./moved.lua --a a --b blocks.safetensors", "the layers of a are called 'model.layers' and those of b 'backbone.layers'")
    assert.is_truthy(said:find("m:rename('backbone.layers.*', 'model.layers.*')", 1, true))
  end)
end)

describe("a model of several stacks", function()
  local towers = layered(2, 1)
  for name, tensor in pairs(layered(3, 32, "BF16", "vision")) do towers[name] = tensor end
  M.safetensors("towers.safetensors", towers)
  local function towered(body) return M.made((recipe("towers.lua", body):gsub("%-%-a a", "--a towers.safetensors"))) end

  it("says which stack is meant, or is refused with their names", function()
    M.refused(recipe("towers.lua", "return a.a:layers(0, 1)"):gsub("%-%-a a", "--a towers.safetensors"),
      "a has several stacks of layers, 'model.layers', 'vision.layers': say which, as in model:layers(first, end, {of = \"model.layers\"})")
    local tensors = towered "return a.a:layers(2, 3, {of = 'vision.layers'})"
    assert.equal(34, tensors["vision.layers.0.up.weight"][1])
    assert.is_nil(tensors["vision.layers.1.up.weight"])
    assert.equal(2, tensors["model.layers.1.up.weight"][1])
    tensors = towered "return stack{ a.a, a.a, of = 'model.layers' }"
    assert.equal(2, tensors["model.layers.3.up.weight"][1])
    assert.equal(34, tensors["vision.layers.2.up.weight"][1])
  end)

  it("is stacked from the command line by --of, whose lack is told", function()
    local tensors = M.made "moonweld stack --parts towers.safetensors:1-3 towers.safetensors --of vision.layers"
    assert.equal("33 34 32 34", ("%d %d %d %d"):format(tensors["vision.layers.0.up.weight"][1], tensors["vision.layers.1.up.weight"][1],
      tensors["vision.layers.2.up.weight"][1], tensors["vision.layers.4.up.weight"][1]))
    assert.equal(2, tensors["model.layers.1.up.weight"][1])
    assert.is_nil(tensors["model.layers.2.up.weight"])
    for _, range in ipairs { "", ":0-1" } do
      M.refused("moonweld stack --parts towers.safetensors" .. range,
        "parts[1] has several stacks of layers, 'model.layers', 'vision.layers': say which, as in --of model.layers")
    end
    M.refused("moonweld stack --parts towers.safetensors --of vision", "parts[1] has no stack of layers 'vision'; it has 'model.layers', 'vision.layers'")
    M.refused("moonweld stack --parts towers.safetensors:0-99999999999999999999 --of vision.layers", "it has 3, 0 to 2; a range ends before its second number")
    M.write("seen.lua", 'return recipe { "A test.", arg.parts("parts", "parts"), function(a)\nreturn stack{ a.parts[1], a.parts[1], of = "vision.layers" }\nend }\n')
    assert.equal(34, M.made "moonweld ./seen.lua --parts towers.safetensors"["vision.layers.5.up.weight"][1])
    M.write("unnamed.lua", 'return recipe { "A test.", arg.parts("parts", "parts", { of = "which" }), function(a) return stack(a.parts) end }\n')
    M.refused("moonweld ./unnamed.lua --parts towers.safetensors", "argument 'parts': of = 'which' is no text argument of this recipe")
  end)
end)

describe("a plain table of tensors", function()
  it("is a model where one is expected", function()
    local tensors = M.made((recipe("table.lua", "return { ['x.y'] = a.a['model.norm.weight'], z = a.a['model.layers.3.up.weight'] + zeros{2, 2} }"):gsub("%-%-a a", "--a a/model.safetensors")))
    assert.same({ ["x.y"] = { 208, 208, dtype = "BF16", shape = "2" }, z = { 11, 11, 11, 11, dtype = "BF16", shape = "2,2" } }, tensors)
    local _
    _, tensors = made "return a.a:with({ gate = a.b['model.norm.weight'] }, {add = true})"
    assert.equal("232 2 7", ("%g %s %d"):format(tensors.gate[1], tensors.gate.shape, (function() local n = 0 for _ in pairs(tensors) do n = n + 1 end return n end)()))
    refused("return a.a:with{ gate = a.b['model.norm.weight'] }", "a has no tensor 'gate' to be replaced")
  end)
end)

describe("what planning knows", function()
  it("is a model's depth, its names and its configuration", function()
    local _, _, said = made "print(a.a:depth(), a.a:layers(0, 3):depth(), #a.a:names(), a.a:names()[2], a.a.config.num_hidden_layers, a.a.config.none) return a.a"
    assert.is_truthy(said:find("4 3 6 model.layers.0.up.weight 4 nil", 1, true))
    _, _, said = made "local n = 0 for name, t in pairs(a.a) do n = n + #t.shape end print(n) return a.a"
    assert.is_truthy(said:find("recipe: 11", 1, true))
  end)

  it("is a tensor's shape and dtype, of what is computed too", function()
    local _, _, said = made "local t = a.a['model.layers.0.up.weight'] print(t.shape[1], #t.shape, t.dtype, (t * 2).dtype, (t * 2).shape[2]) return a.a"
    assert.is_truthy(said:find("2 2 bf16 f32 2", 1, true))
    refused("a.a.config.num_hidden_layers = 3 return a.a", "a configuration cannot be changed")
    refused("return a.a.confg", "a model has no 'confg'")
  end)
end)

describe("tensors that no file holds", function()
  it("weigh nothing, like any number", function()
    refused("return a.a:with({ gate = constant(1.5, {3, 2}) }, {add = true})", "tensor 'gate' of the result is a mask or a weight", "x:unweighed()")
    local _, tensors = made "return a.a:with({ gate = constant(1.5, {3, 2}):unweighed() }, {add = true})"
    assert.same({ 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, dtype = "BF16", shape = "3,2" }, tensors.gate)
  end)

  it("are numbers to what they meet", function()
    assert.equal("8 9 10 11 108 208", made "return a.a + a.a:zeros()")
    assert.equal("10 11 12 13 108 208", made "return a.a:map(function(t, name) return name:find 'up' and t + constant(2, t.shape) or t end)")
    assert.equal("8 9 10 11 108 208", made "return a.a:map(function(t) return t + (constant(0.5, t.shape) - constant(0.5, t.shape)) end)")
    refused("return a.a:map(function(t) return t + zeros{7} end)", "of different shapes")
  end)
end)

describe("with_config", function()
  local function edited(body)
    local _, _, out = M.made(recipe("config.lua", body))
    return M.bytes(out .. "/config.json"), M.bytes(out .. "/merge.lock.json")
  end

  it("changes and adds keys in place, and the lock records it", function()
    local text, lock = edited 'return a.a:with_config{ rope_theta = 5e5, head_dim = 2, parts = {1, 2}, more = { deep = "a\\"b" } }'
    assert.equal(config:sub(1, -2) .. [[,"head_dim": 2,"more": {"deep": "a\u0022b"},"parts": [1, 2],"rope_theta": 500000}]], text)
    assert.is_truthy(lock:find('"config": {\n    "head_dim": 2,', 1, true))
    text = edited "return a.a:with_config{ hidden_size = 2, vocab_size = 3, num_attention_heads = 2 }"
    assert.equal((config:gsub('heads": 1', 'heads": 2')), text)
  end)

  it("is seen in m.config, and refuses what is no JSON", function()
    local _, _, said = made "local m = a.a:with_config{ parts = {4, 5} } print(m.config.parts[2], #m.config.parts) return m"
    assert.is_truthy(said:find("5 2", 1, true))
    refused("return a.a:with_config{}", "with keys of config.json")
    refused("return a.a:with_config{ f = print }", "with_config: 'f' is a finite number, a text, true, false or a table of such, not a function")
    refused("return a.a:with_config{ f = 1/0 }", "with_config: 'f'")
  end)
end)
