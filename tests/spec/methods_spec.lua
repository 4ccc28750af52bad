--- The built-in recipes against naive versions in plain Lua on random small models, bit for bit, and what papers promise
-- of them. The values are coarse, so that magnitudes tie, votes are drawn and sums cancel.
package.path = "tests/spec/?.lua;" .. package.path
local toy = require "toy"
local f32 = toy.f32

local NAMES = { "embed.weight", "model.layers.0.w", "model.layers.1.w" } -- in byte order
local SIZES = { 40, 63, 129 }

--- A model: three tensors as one array, and where each begins.
local function random_model(step)
  local values = {}
  for i = 1, 232 do values[i] = step and math.random(-8, 8) * step or f32(math.random() * 2 - 1) end
  return values
end

local function each_tensor(f)
  local first = 1
  for k, name in ipairs(NAMES) do
    f(name, first, first + SIZES[k] - 1)
    first = first + SIZES[k]
  end
end

local function write(values)
  local tensors = {}
  each_tensor(function(name, from, to) tensors[name] = table.move(values, from, to, 1, {}) end)
  return toy.write(tensors)
end

local function run(recipe, arguments, options)
  local tensors, values = toy.run(recipe, arguments, options), {}
  each_tensor(function(name, from) table.move(tensors[name], 1, #tensors[name], from, values) end)
  return values
end

--- A family: base and experts, as values and as files; coarse ones lie on a grid.
local function family(count, coarse)
  local step = coarse and 0.125
  local base = random_model(step)
  local f = { base = base, experts = {}, deltas = {}, files = {}, file = write(base) }
  for t = 1, count do
    f.experts[t], f.deltas[t] = {}, {}
    local delta = random_model(coarse and step / 4)
    for i, d in ipairs(delta) do
      f.experts[t][i] = f32(base[i] + d)
      f.deltas[t][i] = f32(f.experts[t][i] - base[i])
    end
    f.files[t] = write(f.experts[t])
  end
  return f
end

local function same(found, expected)
  for i = 1, #expected do
    if found[i] ~= expected[i] then error(string.format("element %d: %.9g, expected %.9g", i, found[i], expected[i]), 2) end
  end
end

-- ---- naive versions ----

local function sign(x) return x > 0 and 1 or x < 0 and -1 or 0 end

--- Trims one delta over [from, to] by the reference's threshold, or to an exact count.
local function trim(delta, density, count, from, to)
  local order, kept = {}, {}
  for i = from, to do order[#order + 1] = i end
  local d = #order
  if density == 1 then return table.move(delta, from, to, from, kept) end
  if count == "ties" then
    table.sort(order, function(a, b) return math.abs(delta[a]) < math.abs(delta[b]) end)
    local threshold = math.abs(delta[order[math.max(d - math.floor(d * density), 1)]])
    for i = from, to do kept[i] = math.abs(delta[i]) >= threshold and delta[i] or 0 end
  else
    table.sort(order, function(a, b)
      local x, y = math.abs(delta[a]), math.abs(delta[b])
      return x > y or (x == y and a < b)
    end)
    for i = from, to do kept[i] = 0 end
    for r = 1, math.max(count == "some" and density > 0 and 1 or 0, math.floor(d * density)) do kept[order[r]] = delta[order[r]] end
  end
  return kept
end

local function trimmed(delta, o)
  if o.per == "model" then return trim(delta, o.density, o.count, 1, #delta) end
  local kept = {}
  each_tensor(function(_, from, to) for i, v in pairs(trim(delta, o.density, o.count, from, to)) do kept[i] = v end end)
  return kept
end

--- The trimmed deltas with what the vote rejects set to 0.
local function elected(deltas, o)
  local kept, sums, total = {}, {}, 0
  for t, delta in ipairs(deltas) do kept[t] = trimmed(delta, o) end
  for i = 1, #deltas[1] do
    local sum
    for t in ipairs(deltas) do
      local vote = o.election == "weighted" and f32(o.weight[t] * kept[t][i]) or kept[t][i]
      sum = sum and f32(sum + vote) or vote
    end
    sums[i] = sign(sum)
    total = total + sums[i]
  end
  for i = 1, #sums do
    local plus = sums[i] > 0
    if sums[i] == 0 then plus = o.drawn == "plus" or (o.drawn == "majority" and total > 0) end
    for t in ipairs(deltas) do
      local voter = o.election == "weighted" and o.weight[t] * kept[t][i] or kept[t][i]
      if plus and voter <= 0 or not plus and voter >= 0 then kept[t][i] = 0 end
    end
  end
  return kept
end

local function ties(f, o)
  local out, kept = {}, elected(f.deltas, o)
  for i = 1, #f.base do
    local sum, votes
    for t in ipairs(kept) do
      local value, vote = f32(o.weight[t] * kept[t][i]), kept[t][i] ~= 0 and o.weight[t] or 0
      sum, votes = sum and f32(sum + value) or value, votes and f32(votes + vote) or vote
    end
    if o.normalize then sum = f32(sum / (votes == 0 and 1 or votes)) end
    out[i] = f32(f.base[i] + f32(f32(o.scale) * sum))
  end
  return out
end

local function with(defaults, changed)
  local all = {}
  for k, v in pairs(defaults) do all[k] = v end
  for k, v in pairs(changed) do all[k] = v end
  return all
end

local PAPER = { density = 0.2, weight = { 1, 1, 1 }, scale = 1, per = "model", count = "ties", election = "equal",
  drawn = "majority", normalize = true }
local MERGEKIT = with(PAPER, { density = 1, per = "tensor", count = "some", election = "weighted", drawn = "plus" })

describe("ties equals a naive loop, bit for bit", function()
  math.randomseed(11)
  local cases = {
    {}, { density = 0.5 }, { density = 1 }, { density = 0 }, { density = 0.003 }, { per = "tensor" }, { per = "tensor", density = 0.7 },
    { count = "exact", density = 0.3 }, { count = "exact", per = "tensor", density = 0.3 }, { count = "exact", per = "tensor", density = 0 },
    { count = "exact", per = "tensor", density = 0.001 }, { count = "some", density = 0.001 },
    { count = "some", density = 0 }, { drawn = "plus", density = 0.6 }, { weight = { 1, 2, 0.5 }, density = 0.5 },
    { weight = { 1, 2, -0.5 }, density = 0.5, election = "weighted" }, { weight = { 1, -1, 1 }, density = 1, election = "weighted", drawn = "plus" },
    { normalize = false, density = 0.5, scale = 0.3 }, { scale = 1.7, density = 0.9 },
  }
  for c, case in ipairs(cases) do
    local words = {}
    for name, value in pairs(case) do words[#words + 1] = name .. " " .. (type(value) == "table" and table.concat(value, ",") or tostring(value)) end
    table.sort(words)
    it("paper, " .. (#words > 0 and table.concat(words, " ") or "defaults"), function()
      for _, coarse in ipairs { true, false } do
        local f = family(3, coarse)
        same(run("ties", with(case, { base = f.file, experts = f.files })), ties(f, with(PAPER, case)))
      end
    end)
    it("mergekit, case " .. c, function()
      local f = family(3, true)
      same(run("ties", with(case, { base = f.file, experts = f.files, profile = "mergekit" })), ties(f, with(MERGEKIT, case)))
    end)
  end
  it("two experts, where votes are often drawn", function()
    local f = family(2, true)
    same(run("ties", { base = f.file, experts = f.files, density = 0.8 }), ties(f, with(PAPER, { density = 0.8 })))
  end)
  it("a vote that nobody wins, the model's majority included, counts as minus", function()
    local base = write(random_model(0)) -- zeros
    local a, b = {}, {}
    for i = 1, 232 do a[i], b[i] = 0.5, -0.5 end
    local expected = {}
    for i = 1, 232 do expected[i] = -0.5 end
    same(run("ties", { base = base, experts = { write(a), write(b) }, density = 1 }), expected)
  end)
  it("a tensor without elements has no vote, however magnitudes are ranked", function()
    local function file(value, none) return toy.write { none = none, w = { value, -0.5 * value, 0.25 } } end
    local function result(none, options)
      local experts = { file(1, none), file(-1, none), file(3, none) }
      return toy.run("ties", with({ base = file(0, none), experts = experts, density = 0.5 }, options))
    end
    for _, count in ipairs { "ties", "exact", "some" } do
      for _, per in ipairs { "model", "tensor" } do
        local options = { count = count, per = per }
        assert.same(with(result(nil, options), { none = {} }), result({}, options))
      end
    end
  end)
end)

--- The masks of DARE, as the recipe `dare_linear` draws them: true where an expert's element is dropped.
local function masks(f, drop, seed)
  local result = {}
  for t in ipairs(f.files) do
    local text = 'return recipe { "m", arg.model("base", "m"), arg.models("experts", "m"), arg.seed(), function(a)\n' ..
      "local dropped = (a.experts - a.base):bernoulli(" .. drop .. ', a.seed:at("dare"))[' .. t .. "]\n" ..
      "return where(a.base:eq(a.base), dropped, a.base:abs()) end }"
    result[t] = run(text, { base = f.file, experts = f.files }, { seed = seed })
  end
  return result
end

--- What DARE leaves of each delta.
local function thinned(f, drop, rescale, seed)
  local dropped, result = masks(f, drop, seed), {}
  for t, delta in ipairs(f.deltas) do
    result[t] = {}
    for i, d in ipairs(delta) do
      local kept = dropped[t][i] ~= 0 and 0 or d
      result[t][i] = rescale == "inverse" and f32(kept * f32(1 / (1 - drop))) or kept
    end
    if rescale == "l1" then
      each_tensor(function(_, from, to)
        local before, after = 0, 0
        for i = from, to do before, after = before + math.abs(delta[i]), after + math.abs(result[t][i]) end
        local factor = before >= 1e-7 and after >= 1e-7 and f32(before / after) or 1
        for i = from, to do result[t][i] = f32(result[t][i] * factor) end
      end)
    end
  end
  return result
end

local function task_sum(f, deltas, weight, scale)
  local out = {}
  for i = 1, #f.base do
    local sum
    for t in ipairs(deltas) do sum = sum and f32(sum + f32(weight[t] * deltas[t][i])) or f32(weight[t] * deltas[t][i]) end
    out[i] = f32(f.base[i] + f32(f32(scale) * sum))
  end
  return out
end

describe("dare equals a naive loop under its own masks, bit for bit", function()
  math.randomseed(12)
  local f = family(3, true)
  for _, rescale in ipairs { "inverse", "l1", "none" } do
    it("dare_linear, rescale " .. rescale, function()
      local found = run("dare_linear", { base = f.file, experts = f.files, drop = 0.75, rescale = rescale, weight = { 1, 0.5, 2 }, scale = 0.5 }, { seed = 3 })
      same(found, task_sum(f, thinned(f, 0.75, rescale, 3), { 1, 0.5, 2 }, 0.5))
    end)
    it("dare_ties with a trim after the drop, rescale " .. rescale, function()
      local found = run("dare_ties", { base = f.file, experts = f.files, drop = 0.5, rescale = rescale, density = 0.4 }, { seed = 4 })
      same(found, ties({ base = f.base, deltas = thinned(f, 0.5, rescale, 4) }, with(PAPER, { density = 0.4 })))
    end)
  end
  it("dare_ties by mergekit: l1, weighted election, drawn votes to plus, a sum", function()
    local found = run("dare_ties", { base = f.file, experts = f.files, drop = 0.5, weight = { 1, 2, 0.5 }, profile = "mergekit" }, { seed = 5 })
    same(found, ties({ base = f.base, deltas = thinned(f, 0.5, "l1", 5) }, with(MERGEKIT, { weight = { 1, 2, 0.5 }, normalize = false })))
  end)
  it("what is typed wins over a profile", function()
    local found = run("dare_linear", { base = f.file, experts = f.files, drop = 0.5, rescale = "inverse", profile = "mergekit" }, { seed = 6 })
    same(found, task_sum(f, thinned(f, 0.5, "inverse", 6), { 1, 1, 1 }, 1))
  end)
  it("a profile holds in a recipe that calls another", function()
    local text = 'local dare = require "dare" return recipe { "c", arg.model("base", "m"), arg.model("expert", "m"),\n' ..
      'function(a) return dare { base = a.base, expert = a.expert, profile = "mergekit" } end }'
    same(run(text, { base = f.file, expert = f.files[1] }), f.experts[1]) -- mergekit drops nothing by default
  end)
end)

describe("m3 equals a naive loop, bit for bit", function()
  math.randomseed(13)
  it("m3_ties mixes two survivors and keeps a lone one whole", function()
    for _, lambda in ipairs { 0, 0.3, 0.5, 1 } do
      local f = family(2, true)
      local kept, expected = elected(f.deltas, with(PAPER, { density = 0.5 })), {}
      for i = 1, #f.base do
        local x, y = kept[1][i], kept[2][i]
        local tau = x + y
        if x ~= 0 and y ~= 0 then tau = f32(f32(f32(lambda) * x) + f32(f32(1 - lambda) * y)) end
        expected[i] = f32(f.base[i] + f32(f32(0.7) * tau))
      end
      same(run("m3_ties", { base = f.file, experts = f.files, density = 0.5, lambda = lambda, scale = 0.7 }), expected)
    end
  end)
  it("m3_ties of three shares by what survives, and of three survivors by all", function()
    local f = family(3, true)
    local share = {}
    for k = 1, 3 do share[k] = toy.run([[return recipe { "m", arg.model("base", "m"), arg.seed(), function(a)
      local s = a.seed:at("m3"):dirichlet(3, 0.5)
      return a.base:map(function(t) return where(t:eq(t), s[]] .. k .. "], t:abs()) end) end }", { base = f.file })["embed.weight"][1] end
    assert(math.abs(share[1] + share[2] + share[3] - 1) < 1e-6)
    local kept = elected(f.deltas, with(PAPER, { density = 0.5 }))
    local found = run("m3_ties", { base = f.file, experts = f.files, density = 0.5 })
    for i = 1, #f.base do
      local top, below, count, lone = 0, 0, 0, 0
      for t = 1, 3 do if kept[t][i] ~= 0 then top, below, count, lone = top + share[t] * kept[t][i], below + share[t], count + 1, kept[t][i] end end
      local tau = count == 0 and 0 or count == 1 and lone or count == 3 and top or top / below
      assert(math.abs(found[i] - f.base[i] - tau) < 1e-6)
    end
  end)
  it("m3_dare mixes thinned task vectors", function()
    local f = family(2, true)
    local function drawn(t) -- dare's own masks within m3_dare
      return run('local dare = require "dare" return recipe { "m", arg.model("base", "m"), arg.model("expert", "m"), arg.seed(), function(a)\n' ..
        'return dare { base = a.base, expert = a.expert, drop = 0.5, seed = a.seed:at(' .. t .. ") } end }", { base = f.file, expert = f.files[t] }, { seed = 9 })
    end
    local found, x, y = run("m3_dare", { base = f.file, experts = f.files, drop = 0.5, lambda = 0.25, scale = 2 }, { seed = 9 }), drawn(1), drawn(2)
    for i = 1, #f.base do
      assert(math.abs(found[i] - f.base[i] - 2 * (0.25 * (x[i] - f.base[i]) + 0.75 * (y[i] - f.base[i]))) < 1e-6)
    end
  end)
  it("alpha of 0 or less is lambda = 1, as upstream", function()
    local f = family(3, false)
    same(run("m3", { models = f.files, alpha = 0 }), f.experts[1])
    same(run("m3", { models = { f.files[1], f.files[2] }, alpha = -1 }), f.experts[1])
  end)
  it("on a base with scale 1 it is the mix without one, up to rounding", function()
    local f = family(2, false)
    local plain, based = run("m3", { models = f.files, lambda = 0.3 }), run("m3", { models = f.files, base = f.file, lambda = 0.3 })
    for i = 1, #f.base do assert(math.abs(plain[i] - based[i]) < 3e-7) end
  end)
  it("lambda cannot be fixed for several draws", function()
    local f = family(2, false)
    assert.has_error(function() run("m3", { models = f.files, lambda = 0.3, samples = 2 }) end)
  end)
end)

describe("what methods promise", function()
  math.randomseed(14)
  it("one expert at density 1 and scale 1 is returned, in either profile", function()
    local f = family(1, false)
    for _, profile in ipairs { "paper", "mergekit" } do
      same(run("ties", { base = f.file, experts = f.files, density = 1, profile = profile }), f.experts[1])
      same(run("dare_ties", { base = f.file, experts = f.files, drop = 0, profile = profile }), f.experts[1])
      same(run("dare_linear", { base = f.file, experts = f.files, drop = 0, profile = profile }), f.experts[1])
      same(run("dare", { base = f.file, expert = f.files[1], drop = 0, profile = profile }), f.experts[1])
    end
    same(run("task_arithmetic", { base = f.file, experts = f.files }), f.experts[1])
    same(run("soup", { models = f.files }), f.experts[1])
  end)
  it("drop 0 makes dare_linear task_arithmetic and dare_ties ties", function()
    local f = family(3, true)
    same(run("dare_linear", { base = f.file, experts = f.files, drop = 0 }), run("task_arithmetic", { base = f.file, experts = f.files }))
    same(run("dare_ties", { base = f.file, experts = f.files, drop = 0, density = 0.3 }), run("ties", { base = f.file, experts = f.files, density = 0.3 }))
  end)
  it("drop 1 gives the base", function()
    local f = family(2, false)
    for _, recipe in ipairs { "dare_linear", "dare_ties", "m3_dare" } do
      same(run(recipe, { base = f.file, experts = f.files, drop = 1 }), f.base)
    end
  end)
  it("the order of experts does not matter where values are exactly representable", function()
    local f = family(3, true)
    local turned = { f.files[3], f.files[1], f.files[2] }
    same(run("soup", { models = { f.files[1], f.files[2], f.files[3], f.file } }), run("soup", { models = { f.file, table.unpack(turned) } }))
    same(run("task_arithmetic", { base = f.file, experts = f.files }), run("task_arithmetic", { base = f.file, experts = turned }))
    same(run("ties", { base = f.file, experts = f.files, density = 0.5, normalize = false }),
      run("ties", { base = f.file, experts = turned, density = 0.5, normalize = false }))
  end)
  it("and changes at most an ulp where they are not", function()
    local f = family(3, false)
    local turned = { f.files[3], f.files[1], f.files[2] }
    for recipe, more in pairs { ties = { density = 0.5 }, task_arithmetic = {}, soup = {} } do
      local one = with(more, recipe == "soup" and { models = f.files } or { base = f.file, experts = f.files })
      local two = with(more, recipe == "soup" and { models = turned } or { base = f.file, experts = turned })
      local x, y = run(recipe, one), run(recipe, two)
      for i = 1, #x do assert(math.abs(x[i] - y[i]) <= 2 ^ -22, recipe) end -- values up to 4
    end
  end)
  it("the same seed gives the same bits and another seed others", function()
    local f = family(2, false)
    for _, recipe in ipairs { "dare_linear", "dare_ties", "m3_ties", "m3_dare" } do
      local arguments = { base = f.file, experts = f.files }
      local first = run(recipe, arguments, { seed = 1 })
      same(run(recipe, arguments, { seed = 1 }), first)
      assert.not_same(first, run(recipe, arguments, { seed = 2 }))
    end
  end)
  it("masks of two models, of two tensors and of two seeds are uncorrelated", function()
    local n, tensors = 4000, {}
    for _, name in ipairs { "a", "b" } do
      tensors[name] = {}
      for i = 1, n do tensors[name][i] = 1 end
    end
    local file = toy.write(tensors)
    local text = 'return recipe { "m", arg.models("models", "m"), arg.seed(), function(a)\n' ..
      'local m = a.models:bernoulli(0.5, a.seed:at("mask")) return where(m[1]:eq(m[1]), m[%d], a.models[1]:abs()) end }'
    local function mask(model, seed) return toy.run(text:format(model), { models = { file, file } }, { seed = seed }) end
    local one, two, other = mask(1, 0), mask(2, 0), mask(1, 1)
    local function correlation(x, y)
      local sum = 0
      for i = 1, n do sum = sum + (2 * x[i] - 1) * (2 * y[i] - 1) end
      return sum / n
    end
    for _, pair in ipairs { { one.a, two.a }, { one.a, one.b }, { one.a, other.a }, { one.b, two.a } } do
      assert(math.abs(correlation(pair[1], pair[2])) < 0.07) -- 4.4 standard errors
    end
    assert.equal(1, correlation(one.a, mask(1, 0).a))
  end)
end)
