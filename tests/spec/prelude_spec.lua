--- The prelude and the built-in recipes on a mock of C, against naive arithmetic and the vectors of methods.md.
package.path = "tests/spec/?.lua;" .. package.path
local mock = require "mock_core"

-- The exact vectors: base + delta is representable in f32.
local BASE = { 1, -2, 0.5, 0.25, 3, -1 }
local E = {
  { 0.125, -0.25, 0.375, -0.0625, 0.5, 0.03125 },
  { 0.25, 0.125, -0.375, -0.1875, 0.125, 0.046875 },
  { -0.375, 0.0625, 0.125, 0.3125, 0.25, -0.625 },
}
-- The rounded ones.
local D = {
  { 0.1, -0.2, 0.3, -0.05, 0.4, 0.02 }, { 0.2, 0.1, -0.3, -0.15, 0.1, 0.04 }, { -0.3, 0.05, 0.1, 0.25, 0.2, -0.5 },
}

local function f32(x) return (string.unpack("<f", string.pack("<f", x))) end

--- The vector as a model of two tensors, so that what goes over the model goes over both.
local function model(values, label)
  local function part(from, to)
    local some = {}
    for i = from, to do some[#some + 1] = f32(values[i]) end
    return some
  end
  return { label = label, tensors = { ["model.layers.0.w"] = part(1, 4), ["model.layers.1.w"] = part(5, 6) } }
end

local function plus(delta)
  local values = {}
  for i, v in ipairs(delta) do values[i] = BASE[i] + v end
  return values
end

local function text_of(recipe)
  if recipe:find("return", 1, true) then return recipe end
  local file = assert(io.open("recipes/" .. recipe .. ".lua"))
  local text = file:read "a"
  file:close()
  return text
end

--- Runs a recipe on models; gives the six values in order, and the core.
local function run(recipe, models, words, places)
  local prelude, core, read = mock.prelude(models)
  local outputs = prelude.evaluate(text_of(recipe), "@test.lua", words or {}, places)
  local values = {}
  for _, output in ipairs(outputs) do for _, v in ipairs(read(output[2])) do values[#values + 1] = v end end
  return values, core
end

local function experts(deltas)
  local models, places = { model(BASE, "base") }, { base = { 1 }, experts = {} }
  for i, delta in ipairs(deltas) do models[i + 1], places.experts[i] = model(plus(delta), "expert"), i + 1 end
  return models, places
end

local function merged(recipe, deltas, words)
  local models, places = experts(deltas)
  local values, core = run(recipe, models, words, places)
  for i in ipairs(values) do values[i] = values[i] - BASE[i] end
  return values, core
end

local function near(expected, found, tolerance)
  assert.equal(#expected, #found)
  for i, v in ipairs(expected) do
    assert(math.abs(v - found[i]) <= tolerance, string.format("value %d: %.9g, expected %.9g", i, found[i], v))
  end
end

--- What a failing function says: kind and message.
local function failure(f, ...)
  local ok, err = pcall(f, ...)
  assert(not ok, "this should have failed")
  if type(err) == "string" then return "raised", err end
  return err.kind, err.message
end

local function one(body, words, declarations)
  local text = 'return recipe { "d", arg.model("base", "m"), ' .. (declarations or "") .. " function(a) " .. body .. " end }"
  return run(text, { model(BASE, "base") }, words, { base = { 1 } })
end

describe("recipes and the vectors of methods.md", function()
  it("ties, K = 50", function()
    near({ -0.375, -0.25, -0.375, 0.3125, 0.875 / 3, -0.625 }, merged("ties", E, { density = { "0.5" } }), 2e-7)
  end)
  it("ties, K = 20 keeps two of each", function()
    assert.same({ -0.375, 0, -0.375, 0, 0.5, -0.625 }, merged("ties", E))
  end)
  it("ties, dis-sum, by sign_trim", function()
    local text = 'return recipe { "d", arg.model("base", "m"), arg.models("experts", "m"), function(a) ' ..
      'return a.base + sum(sign_trim(a.experts - a.base, 0.5, { per = "model" })) end }'
    assert.same({ -0.375, -0.25, -0.375, 0.3125, 0.875, -0.625 }, merged(text, E))
  end)
  it("m3 on the survivors of ties, lambda 0.3", function()
    local text = [[return recipe { "d", arg.model("base", "m"), arg.models("experts", "m"), function(a)
      local kept = sign_trim(a.experts - a.base, 0.5, { per = "model" })
      local first, second = kept[1]:ne(0), kept[2]:ne(0)
      return a.base + where(first & second, 0.3 * kept[1] + 0.7 * kept[2], kept[1] + kept[2]) end }]]
    near({ 0.2125, -0.25, -0.375, -0.1875, 0.2375, 0 }, merged(text, { E[1], E[2] }), 3e-7)
  end)
  it("mergekit's ties, weighted", function()
    -- mergekit ranks by tensor, and the vector is one tensor there: per = "model" here
    local text = [[return recipe { "d", arg.model("base", "m"), arg.models("experts", "m"), arg.each("weight", 1, "w"),
      arg("scale", 1, "s"), function(a)
      local kept = sign_trim(a.experts - a.base, 0.5, { per = "model", count = "exact", weight = a.weight, drawn = "plus" })
      return a.base + a.scale * ratio(sum(a.weight * kept), sum(a.weight * kept:ne(0))) end }]]
    near({ -0.3, -0.2, 0.3, 0.25, 0.4, -0.5 }, merged(text, D), 1e-6)
    near({ -0.24, -0.16, -0.24, 0.2, 0.32, -0.4 }, merged(text, D, { weight = { "1", "2", "3" }, scale = { "0.8" } }), 1e-6)
  end)
  it("task_arithmetic with weights", function()
    near({ 0.05, -0.06, 0.08, -0.02, 0.27, -0.078 }, merged("task_arithmetic", D, { weight = { "0.5", "0.3", "0.2" } }), 1e-6)
  end)
  it("soup is the normalised mean", function()
    local models = { model(plus(E[1])), model(plus(E[2])) }
    near({ 1.21875, -1.96875, 0.3125, 0.09375, 3.21875, -0.95703125 },
      run("soup", models, { weight = { "1", "3" } }, { models = { 1, 2 } }), 1e-6)
  end)
  it("lerp and slerp give a at t = 0 and b at t = 1", function()
    for _, recipe in ipairs { "lerp", "slerp" } do
      local models, places = { model(BASE), model(plus(E[3])) }, { a = { 1 }, b = { 2 } }
      near(BASE, run(recipe, models, { t = { "0" } }, places), 1e-7)
      near(plus(E[3]), run(recipe, models, { t = { "1" } }, places), 1e-6)
    end
  end)
  it("slerp follows the arc of each tensor", function()
    local a, b = { 1, 0, 0, 0, 1, 0 }, { 0, 2, 0, 0, 1, 1e-4 }
    local half = math.sin(math.pi / 4)
    near({ half, 2 * half, 0, 0, 1, 0.5e-4 }, run("slerp", { model(a), model(b) }, {}, { a = { 1 }, b = { 2 } }), 1e-6)
  end)
  it("passthrough changes nothing", function()
    assert.same(BASE, run("passthrough", { model(BASE) }, {}, { model = { 1 } }))
  end)
end)

describe("dare", function()
  it("dare_linear keeps or drops, and divides what is kept by 1 - p", function()
    local found = merged("dare_linear", { E[1] }, { drop = { "0.5" } })
    for i, v in ipairs(found) do assert(v == 0 or v == 2 * E[1][i], "value " .. i) end
  end)
  it("p = 0 is task_arithmetic and p = 1 the base", function()
    assert.same(merged("task_arithmetic", E), merged("dare_linear", E, { drop = { "0" } }))
    assert.same({ 0, 0, 0, 0, 0, 0 }, merged("dare_linear", E, { drop = { "1" } }))
  end)
  it("two experts never share a mask", function()
    local text = 'return recipe { "d", arg.model("base", "m"), arg.models("experts", "m"), arg.seed(), function(a) ' ..
      'local m = (a.experts - a.base):bernoulli(0.5, a.seed) return a.base + (m[1] - m[2]) end }'
    assert.not_same({ 0, 0, 0, 0, 0, 0 }, merged(text, { E[1], E[2] }))
  end)
  it("dare_ties without a drop is ties", function()
    assert.same(merged("ties", E, { density = { "0.5" } }), merged("dare_ties", E, { drop = { "0" }, density = { "0.5" } }))
  end)
  it("a misspelt option of drop_rescale is an error", function()
    local _, message = failure(one, 'return a.base:drop_rescale(0.5, a.seed, { rescal = "none" })', {}, "arg.seed(),")
    assert.truthy(message:find("no option 'rescal'", 1, true))
  end)
end)

describe("m3", function()
  local models = { model(BASE), model(plus(E[3])) }
  local function mix(share)
    local values = {}
    for i, v in ipairs(BASE) do values[i] = share * v + (1 - share) * (v + E[3][i]) end
    return values
  end
  it("lambda multiplies the first model", function()
    near(mix(0.3), run("m3", models, { lambda = { "0.3" } }, { models = { 1, 2 } }), 1e-6)
    near(BASE, run("m3", models, { lambda = { "1" } }, { models = { 1, 2 } }), 0)
  end)
  it("draws lambda and records it", function()
    local found, core = run("m3", models, {}, { models = { 1, 2 } })
    assert.equal(1, #core.draws)
    near(mix(core.draws[1][2]), found, 1e-6)
  end)
  it("scales the mixed task vector on a base", function()
    local three = { model(BASE), model(plus(E[1])), model(plus(E[2])) }
    local found = run("m3", three, { lambda = { "0.25" }, scale = { "2" } }, { base = { 1 }, models = { 2, 3 } })
    for i, v in ipairs(found) do assert(math.abs(v - BASE[i] - 2 * (0.25 * E[1][i] + 0.75 * E[2][i])) < 1e-6) end
  end)
  it("more than two models share by Dirichlet, and lambda is refused there", function()
    local three, places = { model(BASE), model(BASE), model(BASE) }, { models = { 1, 2, 3 } }
    near(BASE, run("m3", three, {}, places), 1e-6)
    local _, message = failure(run, "m3", three, { lambda = { "0.3" } }, places)
    assert.truthy(message:find("one mix of two models", 1, true))
  end)
end)

describe("selection over the model and over tensors", function()
  local function kept(options) return one("return a.base - a.base + a.base:keep_top(0.5, " .. options .. ")") end
  it("ties rank from the reference's threshold", function()
    assert.same({ 1, -2, 0, 0, 3, -1 }, kept '{ per = "model" }')
    assert.same({ 1, -2, 0.5, 0, 3, -1 }, kept '{ per = "tensor" }')
  end)
  it("exact counts cut ties by index", function()
    assert.same({ 1, -2, 0, 0, 3, 0 }, kept '{ per = "model", count = "exact" }')
    assert.same({ 1, -2, 0, 0, 3, 0 }, kept '{ per = "tensor", count = "exact" }')
  end)
  it("density 0 keeps the largest, or with exact nothing", function()
    assert.same({ 0, 0, 0, 0, 3, 0 }, one 'return a.base - a.base + a.base:keep_top(0, { per = "model" })')
    assert.same({ 0, 0, 0, 0, 0, 0 }, one 'return a.base - a.base + a.base:keep_top(0, { count = "exact" })')
  end)
end)

describe("arguments cannot be forged or changed", function()
  local function signature(text) return mock.prelude({}).signature(text, "@test.lua") end
  it("a plain table is not an argument", function()
    local _, message = failure(signature, 'return recipe { "d", { kind = "number", name = "threads", doc = "x" }, function() end }')
    assert.truthy(message:find("neither an argument nor the function", 1, true))
    failure(signature, 'return recipe { "d", { many = true, { kind = "number", name = "seed", doc = "x" } }, function() end }')
  end)
  it("a declared argument is empty and frozen", function()
    local _, message = failure(signature, 'local x = arg("n", 1, "doc") x.name = "output" return recipe { "d", x, function() end }')
    assert.truthy(message:find("cannot be changed", 1, true))
    assert.equal("n", signature('local x = arg("n", 1, "doc") assert(x.name == nil) return recipe { "d", x, function() end }').args[1].name)
  end)
  it("arg.from checks new defaults", function()
    failure(signature, 'return recipe { "d", arg.from(require "ties", "experts", { per = "bogus" }), function() end }')
    failure(signature, 'return recipe { "d", arg.from(require "ties", "experts", { density = "0.5" }), function() end }')
    failure(signature, 'return recipe { "d", arg.from(require "ties", "experts", { density = 2 }), function() end }')
    assert.equal("0.5", signature('return recipe { "d", arg.from(require "ties", "experts", { density = 0.5 }), function() end }').args[2].fallback)
  end)
  it("a score is never a recipe's own function", function()
    local text = 'local sub = recipe { "s", arg.model("base", "m"), arg.score(), function(a) return a.base end }\n' ..
      'return recipe { "d", arg.model("base", "m"), function(a) return sub { base = a.base, score = function() return 1 end } end }'
    local _, said = failure(run, text, { model(BASE) }, {}, { base = { 1 } })
    assert.truthy(said:find("the score of --score", 1, true))
  end)
end)

describe("what a recipe is told", function()
  it("a typed number outside its limits", function()
    local kind, message = failure(merged, "ties", E, { density = { "3" } })
    assert.equal("usage", kind)
    assert.equal("'density' = 3 is outside [0, 1]: 3 % is 0.03", message)
  end)
  it("a misspelt argument", function()
    local _, message = failure(one, "return a.densty", {}, 'arg("density", 1, "d"),')
    assert.truthy(message:find("did you mean 'density'", 1, true))
  end)
  it("a comparison that cannot be a mask", function()
    local _, message = failure(one, "return a.base < a.base")
    assert.truthy(message:find("use a:lt(b)", 1, true))
  end)
  it("a sum where a mean was meant", function()
    local _, message = failure(one, "return a.base + a.base + a.base")
    assert.equal("the result weighs 3 models, not 1 -- did you mean mean(...)?", message)
  end)
  it("a tensor that an operand lacks", function()
    local _, message = failure(one, 'return a.base + a.base:only("*.0.w")')
    assert.truthy(message:find("model.layers.1.w", 1, true))
  end)
end)

describe("the vocabulary", function()
  local _, core = mock.prelude { model(BASE, "base") }
  local form_of = core.module("word").form_of
  local words = {}
  local function add(owner, set)
    for name, f in pairs(set) do words[#words + 1] = { owner .. name, f } end
  end
  add("", core.module("env").vocabulary)
  add("x:", core.module("value").methods)
  for kind, set in pairs(core.module("value").only_for) do add(kind .. ":", set) end
  table.sort(words, function(a, b) return a[1] < b[1] end)

  it("says of every word how it is written", function()
    for _, word in ipairs(words) do
      local form = assert(form_of[word[2]], word[1] .. " is not declared by how it is written")
      assert.equal(word[1], form:gsub("^.* = ", ""):match("^[%a_%d:]+")) -- "u, s, v = svd(x[, rank])"
    end
  end)
  it("has no word that takes an argument more than that", function()
    for _, word in ipairs(words) do
      local _, said = failure(word[2], 1, 2, 3, 4, 5, 6)
      local form = form_of[word[2]]
      if not form:find("...)", 1, true) then assert.equal("this is written " .. form .. ", without ", said:match("^.-, without ")) end
    end
  end)
end)

describe("the synonyms", function()
  it("are words that no value has", function()
    local _, core = mock.prelude { model(BASE, "base") }
    for word in pairs(core.module("synonyms").said) do assert.equal(nil, core.module("value").methods[word], word) end
  end)
end)

describe("names and fields", function()
  it("a gradient reads the depth of each layer", function()
    assert.same({ 0, 0, 0, 0, 3, 1 }, one("return a.base:abs() * a.t", { t = { "0,1" } }, 'arg("t", 1, "t"),'))
  end)
  it("a pick takes the first pattern that matches", function()
    assert.same({ 2, 4, 1, 0.5, 3, 1 }, one("return a.base:abs() * a.t", { t = { "*.0.w=2; 1" } }, 'arg("t", 1, "t"),'))
  end)
  it("a map inside of a map leaves each tensor its own stream", function()
    local mask = "return t:keep(t:bernoulli(0.5, a.seed)) + 0 * t end) "
    local plain = one("return a.base:map(function(t) " .. mask, {}, "arg.seed(),")
    local nested = one("return a.base:map(function(t) a.base:map(function(u) return u end) " .. mask, {}, "arg.seed(),")
    assert.same(plain, nested)
  end)
end)
