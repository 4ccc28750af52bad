--- Recipes that return several results: --result NAME writes one of them, --also NAME=OUT more of them, each a merge of its own.
package.path = "tests/spec/?.lua;" .. package.path
local toy, P, mw = require "toy", require "published", require "moonweld"
local X3 = { base = P.base_file, experts = P.first(3) }

local function written(recipe, options)
  return toy.run("tests/methods/" .. recipe .. ".lua", X3, options)
end
local function read(folder) return toy.read(folder .. "/model.safetensors") end
local function refused(text, expected, options)
  local recipe = toy.text(".lua", "return recipe { 'R.', arg.model('m', 'a model'), function(a) return " .. text .. " end }")
  options = options or {}
  options.output = toy.path "-never"
  local ok, wrong = pcall(mw.merge, recipe, { m = P.base_file }, options)
  assert.is_false(ok)
  assert.truthy(tostring(wrong):find(expected, 1, true), tostring(wrong))
  assert.is_nil(io.open(options.output .. "/model.safetensors"))
end

describe("several results", function()
  it("are written by their names, as recipes of each alone write them", function()
    local one, three = toy.path "-one", toy.path "-three"
    local unified = written("emr_all", { also = { "task_1=" .. one, "task_3=" .. three } })
    assert.same(toy.run("emr", X3), unified)
    for task, folder in pairs { one, [3] = three } do
      local alone = toy.run("emr", { base = X3.base, experts = X3.experts, task = task })
      assert.same(alone, read(folder))
      assert.same(alone, written("emr_all", { result = "task_" .. task }))
    end
  end)
  it("may be masks", function()
    local folder = toy.path "-mask"
    written("tall_all", { also = "mask_2=" .. folder })
    local masks, tasks = read(folder), toy.run("tests/methods/tall.lua", { base = X3.base, experts = X3.experts, task = 2 })
    for name, values in pairs(masks) do
      local total = P.sum(P.taus(P.base[name], { P.experts[1][name], P.experts[2][name], P.experts[3][name] }))
      for i, v in ipairs(values) do assert.near(P.base[name][i] + v * total[i], tasks[name][i], 1e-5) end
    end
  end)
  it("are made again from what each folder records", function()
    local folder, again = toy.path "-task", toy.path "-again"
    written("emr_all", { also = "task_2=" .. folder })
    mw.rebuild(folder, { output = again })
    assert.equal(toy.bytes(folder .. "/model.safetensors"), toy.bytes(again .. "/model.safetensors"))
  end)
  it("of which one cannot be written are refused before the first is made", function()
    local there = toy.path "-there"
    assert(os.execute(("mkdir '%s' && touch '%s/x'"):format(there, there)))
    for place, expected in pairs { ["w=" .. there] = "exists and was not made by Moonweld", ["v=" .. toy.path "-v"] = "the recipe has no result 'v'",
      ["w=/nowhere/at/all"] = "/nowhere/at", ["w"] = "--also w is no NAME=OUT" } do
      refused("a.m, { w = a.m }", expected, { also = place })
    end
    local out = toy.path "-same"
    local recipe = toy.text(".lua", "return recipe { 'R.', arg.model('m', 'a model'), function(a) return a.m, { w = a.m, x = a.m } end }")
    for _, also in ipairs { { "w=" .. out .. "/" }, { "w=" .. out .. "1", "x=" .. out .. "1" } } do
      local ok, wrong = pcall(mw.merge, recipe, { m = P.base_file }, { output = out, also = also })
      assert(not ok and tostring(wrong):find("two results cannot have one place", 1, true) and not io.open(out), tostring(wrong))
    end
  end)
  it("that a recipe does not have are refused before anything is written", function()
    refused("a.m", "the recipe has no result 'v', only one without a name", { result = "v" })
    refused("a.m, { w = a.m, v2 = a.m }", "the recipe has no result 'v': beside its first it gives v2, w", { result = "v" })
    refused("a.m, a.m", "beside its model a recipe returns further results by their names, as in return model, { masks = m }, not a model")
    refused("a.m, { ['a/b'] = a.m }", "a result's name is a word of at most 63 letters")
    refused("a.m, { a.m }", "a result's name is a word of at most 63 letters")
    refused("a.m, { v = a.m }", "--also v is no NAME=OUT", { also = "v" })
    refused("a.m, { v = a.m - a.m }", "the result weighs 0 models, not 1", { result = "v" })
  end)
end)
