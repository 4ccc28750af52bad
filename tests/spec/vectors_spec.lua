--- The conformance vectors: results that the methods' published code gave on six numbers, shape [2, 3]. What is no
-- built-in recipe is written here in the recipe language, as an example of it.
package.path = "tests/spec/?.lua;" .. package.path
local toy = require "toy"

local BASE = { 1, -2, 0.5, 0.25, 3, -1 }
-- base + delta is representable in f32, so that ties and cancellations survive.
local EXACT = {
  { 0.125, -0.25, 0.375, -0.0625, 0.5, 0.03125 }, { 0.25, 0.125, -0.375, -0.1875, 0.125, 0.046875 },
  { -0.375, 0.0625, 0.125, 0.3125, 0.25, -0.625 },
}
local ROUNDED = {
  { 0.1, -0.2, 0.3, -0.05, 0.4, 0.02 }, { 0.2, 0.1, -0.3, -0.15, 0.1, 0.04 }, { -0.3, 0.05, 0.1, 0.25, 0.2, -0.5 },
}

local function write(values) return toy.write({ w = values }, { w = { 2, 3 } }) end

local function files(deltas)
  local paths = {}
  for i, delta in ipairs(deltas) do
    local values = {}
    for k, d in ipairs(delta) do values[k] = BASE[k] + d end
    paths[i] = write(values)
  end
  return paths
end

local function check(found, expected, from, tolerance)
  for k, value in ipairs(found) do
    local difference = value - (from and from[k] or 0) - expected[k]
    assert(math.abs(difference) <= tolerance, string.format("value %d: %.9g, expected %.9g", k, value - (from and from[k] or 0), expected[k]))
  end
end

--- A recipe on base and experts gives these deltas.
local function gives(expected, recipe, deltas, arguments, tolerance)
  local given = { base = write(BASE), experts = files(deltas) }
  for name, value in pairs(arguments or {}) do given[name] = value end
  check(toy.run(recipe, given).w, expected, BASE, tolerance or 1e-6)
end

--- A recipe whose body is the text, with tau the list of task vectors.
local function method(body)
  return 'return recipe { "A method.", arg.model("base", "m"), arg.models("experts", "m"), arg.each("weight", 1, "w"),\n' ..
    "function(a) local tau = a.experts - a.base\n" .. body .. " end }"
end

describe("the vectors of TIES", function()
  it("disjoint mean, K = 50", function()
    gives({ -0.375, -0.25, -0.375, 0.3125, 0.875 / 3, -0.625 }, "ties", EXACT, { density = 0.5 }, 2e-7)
  end)
  it("K = 20 keeps two of each model", function() gives({ -0.375, 0, -0.375, 0, 0.5, -0.625 }, "ties", EXACT, {}, 0) end)
  it("disjoint sum", function()
    gives({ -0.375, -0.25, -0.375, 0.3125, 0.875, -0.625 }, "ties", EXACT, { density = 0.5, normalize = false }, 0)
  end)
  it("disjoint max", function()
    gives({ 0, -0.25, 0, 0.3125, 0.5, -0.625 }, method [[
      local gamma = sum(tau:keep_top(0.5, { per = "model" })):sign()
      return a.base + max(sign_trim(tau, 0.5, { per = "model" }):abs()) * gamma]], EXACT, {}, 0)
  end)
  it("mergekit, density 0.5", function()
    gives({ -0.3, -0.2, 0.3, 0.25, 0.4, -0.5 }, "ties", ROUNDED, { density = 0.5, profile = "mergekit" })
  end)
  it("mergekit, weights 1, 2, 3 and lambda 0.8", function()
    gives({ -0.24, -0.16, -0.24, 0.2, 0.32, -0.4 }, "ties", ROUNDED,
      { density = 0.5, weight = { 1, 2, 3 }, scale = 0.8, profile = "mergekit" })
  end)
  it("mergekit's own default, density 1", function()
    gives({ 0.15, -0.2, 0.2, 0.25, 0.7 / 3, -0.5 }, "ties", ROUNDED, { profile = "mergekit" })
  end)
  it("mergekit, density 0.5 with rescale", function()
    gives({ -0.4, -0.237778, -0.410769, 0.333333, 0.475556, -0.666667 }, method [[
      local kept = tau:keep_top(0.5, { count = "exact" })
      kept = tau:map(function(t, i) return kept[i] * (t:abs():total() / kept[i]:abs():total()) end)
      return a.base + disjoint_mean(sign_trim(kept, 1, { drawn = "plus" }))]], ROUNDED)
  end)
end)

describe("the vectors of M3", function()
  it("survivors of TIES are mixed, a lone one is kept whole", function()
    gives({ 0.2125, -0.25, -0.375, -0.1875, 0.2375, 0 }, "m3_ties", { EXACT[1], EXACT[2] }, { density = 0.5, lambda = 0.3 }, 3e-7)
  end)
  it("lambda = 1 is not the first model", function()
    local base = write { 0, 0, 0, 0, 0, 0 }
    local experts = { write { 0.4, 0, 0.3, -0.2, 0, 0 }, write { 0.2, 0.5, 0, -0.4, 0, 0 } }
    check(toy.run("m3_ties", { base = base, experts = experts, density = 1, lambda = 0.3 }).w, { 0.26, 0.5, 0.3, -0.34, 0, 0 }, nil, 1e-7)
    check(toy.run("m3_ties", { base = base, experts = experts, density = 1, lambda = 1 }).w, { 0.4, 0.5, 0.3, -0.2, 0, 0 }, nil, 1e-7)
  end)
  it("lambda = 0.5 is the plain disjoint mean", function()
    gives({ 0.1875, -0.25, -0.375, -0.1875, 0.3125, 0 }, "ties", { EXACT[1], EXACT[2] }, { density = 0.5 }, 2e-7)
    gives({ 0.1875, -0.25, -0.375, -0.1875, 0.3125, 0 }, "m3_ties", { EXACT[1], EXACT[2] }, { density = 0.5, lambda = 0.5 }, 2e-7)
  end)
end)

describe("the vectors of sums, means and arcs", function()
  it("task_arithmetic", function()
    gives({ 0.05, -0.06, 0.08, -0.02, 0.27, -0.078 }, "task_arithmetic", ROUNDED, { weight = { 0.5, 0.3, 0.2 } })
  end)
  it("soup, weights 1, 2, 3", function()
    check(toy.run("soup", { models = files(ROUNDED), weight = { 1, 2, 3 } }).w,
      { -0.066667, 0.025, 0, 0.066667, 0.2, -0.233333 }, BASE, 1e-6)
  end)
  it("slerp, t = 0.3", function()
    check(toy.run("slerp", { a = write(BASE), b = files(ROUNDED)[1], t = 0.3 }).w,
      { 1.030497, -2.060994, 0.5903, 0.235109, 3.121512, -0.994472 }, nil, 1e-6)
  end)
end)

describe("vectors of further methods, as recipes", function()
  it("breadcrumbs", function()
    gives({ 0, -0.1, 0.3, 0.1, 0.2, 0 }, method [[
      local density, gamma = 0.5, 0.17
      local large, largest = tau:keep_top(density + gamma, { count = "exact" }), tau:keep_top(gamma, { count = "exact" })
      return a.base + sum(tau:keep(large:ne(0) & largest:eq(0)))]], ROUNDED)
  end)
  it("model_stock", function()
    gives({ 0, 0.012088, -0.024175, -0.012088, -0.169227, 0.106371 }, method [[
      local n, cosines = #tau, 0
      for i = 1, n do for k = i + 1, n do cosines = cosines + tau[i]:cosine(tau[k]) end end
      local c = cosines / (n * (n - 1) / 2)
      return lerp(a.base, mean(a.experts), n * c / (1 + (n - 1) * c))]], ROUNDED)
  end)
  it("nearswap", function()
    gives({ 0.1, -0.1, 0.1, -0.05, 0.1, 0.02 }, method [[
      local share = (0.1 / (a.base - a.experts[1]):abs():atleast(1e-6)):clamp(0, 1)
      return share * a.experts[1] + (1 - share) * a.base]], ROUNDED)
  end)
  it("ram", function()
    gives({ 0, -0.05, 0.1 / 3, 0.05, 0.7 / 3, -0.5 }, method [[
      return a.base + disjoint_mean(tau:keep(tau:abs():gt(0.06)))]], ROUNDED)
  end)
  it("ramplus_tl", function()
    gives({ 0, -0.05, 0.1 / 3, 0.05, 0.7 / 3, -0.51 }, method [[
      local active = tau:abs():gt(0.06)
      local many, alone = sum(active):gt(1), 0
      for i, own in ipairs(active) do
        local unique, shared = (own & ~many):total(), (own & many):total()
        alone = alone + tau[i]:keep(own & ~many) * (1 + 0.1 * ratio(shared, unique):clamp(0, 0.2))
      end
      return a.base + where(many, disjoint_mean(tau:keep(active)), alone)]], ROUNDED)
  end)
  local sce = function(chosen)
    return method([[
      local centre = mean(tau)
      local spread = mean((tau - centre) ^ 2)
      local chosen = tau:keep(]] .. chosen .. [[)
      local energy = chosen:map(function(t) return (t * t):mean() end)
      local share  = energy / sum(energy)
      local plus   = sum(chosen):ge(0)
      local agree  = where(plus, chosen:gt(0), chosen:lt(0))
      return a.base + sum(share * chosen:keep(agree)) / sum(share * agree):atleast(1e-6)]])
  end
  it("sce", function() gives({ 0.136499, -0.2, 0.179931, 0.25, 0.24632, -0.5 }, sce "spread:ne(0)", ROUNDED) end)
  it("sce, half of the elements", function()
    gives({ 0.156724, 0, 0.144583, 0, 0, -0.5 }, sce 'spread:keep_top(0.5, { count = "exact" }):ne(0)', ROUNDED)
  end)
  it("nuslerp over the whole tensor", function()
    gives({ 0.19787, -0.140447, 0.134084, -0.124464, 0.43407, 0.039574 }, 'local slerp = require "slerp"\n' ..
      method "return a.base + slerp { a = tau[1], b = tau[2], t = 0.3 }", ROUNDED)
  end)
  it("nuslerp of every stored row, here a tensor each", function()
    local function rows(values) return toy.write { a = table.move(values, 1, 3, 1, {}), b = table.move(values, 4, 6, 1, {}) } end
    local experts = {}
    for i = 1, 2 do
      local values = {}
      for k, d in ipairs(ROUNDED[i]) do values[k] = BASE[k] + d end
      experts[i] = rows(values)
    end
    local found = toy.run('local slerp = require "slerp"\n' .. method "return a.base + slerp { a = tau[1], b = tau[2], t = 0.3 }",
      { base = rows(BASE), experts = experts })
    local all = table.move(found.b, 1, 3, 4, found.a)
    check(all, { 0.294853, -0.1789, 0.145109, -0.087979, 0.332892, 0.028447 }, BASE, 1e-6)
  end)
  it("multislerp, weights 1, 2, 3", function()
    local text = method [[
      local share = a.weight / sum(a.weight)
      local units = a.experts:map(function(x) return x / x:norm() end)
      local mixed = sum(share * units)
      local size  = sum(share:map(function(w, i) return w * a.experts[i]:norm() end))
      local result = mixed / mixed:norm() * size
      return where(result:eq(result), result, result)]]
    local given = { base = write(BASE), experts = files(ROUNDED), weight = { 1, 2, 3 } }
    check(toy.run(text, given).w, { 0.943858, -1.986667, 0.495832, 0.316063, 3.220649, -1.23973 }, nil, 2e-6)
  end)
  it("karcher", function()
    local text = method [[
      local units = a.experts:map(function(x) return x / x:norm() end)
      local centre = mean(units)
      centre = centre / centre:norm()
      for _ = 1, 10 do
        local step = mean(units:map(function(u)
          local cosine = centre:dot(u):clamp(-1, 1)
          local angle = cosine:acos()
          return ratio(angle, angle:sin()) * (u - cosine * centre)
        end))
        local length = step:norm()
        local moved  = length:cos() * centre + ratio(length:sin(), length) * step
        centre = where(length:lt(1e-5), centre, moved / moved:norm())
      end
      return centre * mean(a.experts:map(function(x) return x:norm() end))]]
    local given = { base = write(BASE), experts = files(ROUNDED) }
    check(toy.run(text, given).w, { 1.009656, -2.027012, 0.526844, 0.266845, 3.253073, -1.155001 }, nil, 2e-6)
  end)
end)

describe("the vectors of DAM", function()
  --- Coefficients that start at `init` and are not trained, under the published code's tanh, on three equal models.
  local function untrained(init, values)
    local file = toy.write { ["model.w.weight"] = values }
    return toy.run('return recipe { "d", arg.models("experts", "m"), arg.calibration(), function(a)\n' ..
      "local function mix(c) return sum(c:tanh() * a.experts) end\n" ..
      "return mix(learn { start = a.experts:columns(" .. init .. "), steps = 0, data = a.data, loss = function() end }) end }",
      { experts = { file, file, file } })["model.w.weight"]
  end
  it("tanh of 1 / N makes less than the mean of equal weights", function()
    for k, value in ipairs(untrained("1 / 3", BASE)) do assert(math.abs(value - 0.964538 * BASE[k]) < 3e-6) end
  end)
  it("biases that start at 1 become 2.28 times themselves", function()
    assert(math.abs(untrained("1", { 1 })[1] - 2.284782) < 2e-6)
  end)
end)
