--- Published methods that work element by element, on whole tensors and models, as recipes in tests/methods, against plain loops.
package.path = "tests/spec/?.lua;" .. package.path
local toy, P = require "toy", require "published"
local is, zip, map, sum, mean, taus, dot, norm, total, sign, top = P.is, P.zip, P.map, P.sum, P.mean, P.taus, P.dot, P.norm, P.total, P.sign, P.top
local add, sub, times, first, files, base = P.add, P.sub, P.times, P.first, P.files, P.base_file
local X3 = { base = base, experts = first(3) }
local function with(more, of)
  local all = {}
  for _, t in ipairs { of or X3, more } do for k, v in pairs(t) do all[k] = v end end
  return all
end
local function three(e) return { e[1], e[2], e[3] } end

--- A value of each model as a whole: f(concatenated base, experts...) by the name of a recipe's argument.
local function whole(f)
  local names = { "model.layers.0.w", "model.layers.1.w", "model.norm.weight" }
  local function flat(model)
    local all = {}
    for _, name in ipairs(names) do for _, v in ipairs(model[name]) do all[#all + 1] = v end end
    return all
  end
  local made = f(flat(P.base), map(P.experts, flat))
  return function(b, _, name)
    local at, result = 0, { m = b.m, n = b.n }
    for _, other in ipairs(names) do
      if other == name then return table.move(made, at + 1, at + #b, 1, result) end
      at = at + #P.base[other]
    end
  end
end

local cases = {
  { "analogy", { a = base, b = files[1], c = files[2], scale = 0.7 }, function(b, e) return add(e[2], times(0.7, sub(e[1], b))) end },
  { "slerp_unit", { a = files[1], b = files[2], t = 0.3 }, function(_, e)
    local angle, na, nb = math.acos(P.cosine(e[1], e[2])), norm(e[1]), norm(e[2])
    local arc = add(times(math.sin(0.7 * angle) / na, e[1]), times(math.sin(0.3 * angle) / nb, e[2]))
    return times((0.7 * na + 0.3 * nb) / math.sin(angle), arc)
  end },
  { "ties_std", with { f = 1, scale = 0.8 }, whole(function(b, e)
    local kept = map(three(taus(b, e)), function(t)
      local m, s = total(t) / #t, 0
      for _, v in ipairs(t) do s = s + (v - m) ^ 2 / #t end
      return zip(function(v) return math.abs(v - m) > math.sqrt(s) and v or 0 end, t)
    end)
    return zip(function(v, x, y, z)
      local plus, n, s = x + y + z >= 0, 0, 0
      for _, t in ipairs { x, y, z } do if t ~= 0 and (t > 0) == plus then n, s = n + 1, s + t end end
      return v + 0.8 * (n > 0 and s / n or 0)
    end, b, kept[1], kept[2], kept[3])
  end), 0.02 },
  { "ema", { checkpoints = files, decay = 0.9 }, function(_, e)
    local x = e[1]
    for i = 2, 4 do x = zip(function(v, w) return 0.9 * v + 0.1 * w end, x, e[i]) end
    return x
  end },
  { "perpendicular", { a = files[1], b = files[2], c = base }, function(b, e)
    local u, v = sub(e[1], b), sub(e[2], b)
    return add(e[1], sub(v, times(dot(u, v) / dot(u, u), u)))
  end },
  { "geometric_sum", { a = files[1], b = files[2], t = 0.3 }, function(_, e)
    return zip(function(x, y)
      local turns = (x < 0 and 0.7 or 0) + (y < 0 and 0.3 or 0) -- of the principal power's angle, by pi
      return math.abs(x) ^ 0.7 * math.abs(y) ^ 0.3 * math.cos(math.pi * turns)
    end, e[1], e[2])
  end },
  { "multiply_quotient", { a = files[1], b = files[2], c = base, alpha = 0.5 }, function(b, e)
    return zip(function(x, y, c)
      local u, v = math.log(math.abs(x)) - math.log(math.abs(c)), math.log(math.abs(y)) - math.log(math.abs(c))
      local p = 0.5 * math.max(-u * v / math.max(math.abs(u), math.abs(v)) ^ 2, 0)
      return x * math.abs(y / c) ^ p * ((y < 0) ~= (c < 0) and math.cos(math.pi * p) or 1)
    end, e[1], e[2], b)
  end, 0.02 },
  { "tall", with { task = 2, lambda = 0.4 }, function(b, e)
    local t = three(taus(b, e))
    return zip(function(v, all, own) return math.abs(own) >= 0.4 * math.abs(all - own) and v + all or v end, b, sum(t), t[2])
  end },
  { "metagpt", X3, whole(function(b, e)
    local t = three(taus(b, e))
    local all = dot(t[1], t[1]) + dot(t[2], t[2]) + dot(t[3], t[3])
    return add(b, sum(map(t, function(x) return times(dot(x, x) / all, x) end)))
  end) },
  { "nan", X3, function(b, e)
    local t, all = three(taus(b, e)), 0
    for _, x in ipairs(t) do all = all + 1 / norm(x) end
    return add(b, sum(map(t, function(x) return times(1 / norm(x) / all, x) end)))
  end },
  { "trust_region", with { quantile = 0.8, scale = 0.3 }, whole(function(b, e)
    local t = three(taus(b, e))
    local omega = zip(function(x, y, z)
      x, y, z = math.abs(x), math.abs(y), math.abs(z)
      return x * (y + z) + y * (x + z) + z * (x + y)
    end, t[1], t[2], t[3])
    local order = table.move(omega, 1, #omega, 1, {})
    table.sort(order)
    local limit = order[math.floor(0.8 * (#order - 1)) + 1]
    return zip(function(v, s, o) return o < limit and v + 0.3 * s or v end, b, sum(t), omega)
  end), 0.01 },
  { "localize_stitch", with { sparsity = 0.1 }, whole(function(b, e)
    local kept = map(three(taus(b, e)), function(t) return top(t, math.floor(0.1 * #t)) end)
    return zip(function(v, x, y, z)
      local n = (x ~= 0 and 1 or 0) + (y ~= 0 and 1 or 0) + (z ~= 0 and 1 or 0)
      return v + (n > 0 and (x + y + z) / n or 0)
    end, b, kept[1], kept[2], kept[3])
  end) },
  { "negmerge", with { scale = 0.5 }, function(b, e)
    local t = three(taus(b, e))
    return zip(function(v, x, y, z) return sign(x) == sign(y) and sign(y) == sign(z) and v - 0.5 * (x + y + z) / 3 or v end, b, t[1], t[2], t[3])
  end },
  { "magic", X3, function(b, e)
    local t = three(taus(b, e))
    return add(b, times((norm(t[1]) + norm(t[2]) + norm(t[3])) / 3 / norm(mean(t)), mean(t)))
  end },
  { "wsa", { models = first(3) }, function(_, e)
    local means, stds = {}, {}
    for k = 1, 3 do
      means[k], stds[k] = total(e[k]) / #e[k], 0
      for _, v in ipairs(e[k]) do stds[k] = stds[k] + (v - means[k]) ^ 2 / #e[k] end
      stds[k] = math.sqrt(stds[k])
    end
    local m, s = (means[1] + means[2] + means[3]) / 3, (stds[1] + stds[2] + stds[3]) / 3
    return mean(map(three(e), function(x, k) return zip(function(v) return (v - means[k]) / stds[k] * s + m end, x) end))
  end },
  { "weight_weaving", X3, function(b, e) return add(b, times(0.55, sum(three(taus(b, e))))) end },
  { "warp", { base = base, policies = first(2) }, function(b, e)
    local x, y = sub(e[1], b), sub(e[2], b)
    local omega = math.acos(P.cosine(x, y))
    return add(b, times(0.3 * math.sin(omega / 2) / math.sin(omega), add(x, y)))
  end },
  { "fedopt", { server = base, clients = first(3) }, function(b, e)
    return zip(function(v, m)
      local d = m - v
      return v + 0.1 * 0.1 * d / (math.sqrt(0.01 * d * d) + 1e-3)
    end, b, mean(three(e)))
  end },
  { "fedopt", { server = base, clients = first(3), m = files[4], v = base, write = "v", beta2 = 0.9 }, function(b, e)
    return zip(function(v, m) return 0.9 * v + 0.1 * (m - v) ^ 2 end, b, mean(three(e)))
  end },
  { "fedopt", { server = base, clients = first(3), m = files[4], adam = false, beta1 = 0.6 }, function(b, e)
    return zip(function(v, m, before) return v + 0.1 * (0.6 * before + 0.4 * (m - v)) end, b, mean(three(e)), e[4])
  end },
  { "bitdelta", { base = base, expert = files[1] }, function(b, e)
    local t = sub(e[1], b)
    local scale = total(t, math.abs) / #t
    return b.m == 1 and e[1] or zip(function(v, d) return v + (d > 0 and scale or -scale) end, b, t)
  end },
  { "prune", { model = files[1], density = 0.3 }, function(_, e) return e[1].m == 1 and e[1] or top(e[1], math.floor(0.3 * #e[1])) end },
  { "squared_delta", X3, function(b, e)
    local t = three(taus(b, e))
    return zip(function(x, y, z, u, v, w) return (u * u * x + v * v * y + w * w * z) / (u * u + v * v + w * w) end, e[1], e[2], e[3], t[1], t[2], t[3])
  end, 0.01 },
  { "task_vector", { base = base, expert = files[1] }, function(b, e) return sub(e[1], b) end },
  { "fisher_given", { experts = first(2), fisher = { files[3], files[4] } }, function(_, e)
    return zip(function(x, y, f, g)
      f, g = math.max(f, 1e-6), math.max(g, 1e-6)
      return (f * x + g * y) / (f + g)
    end, e[1], e[2], e[3], e[4])
  end },
  { "extract", { base = base, a = files[1], b = files[2], alpha = 0.3, beta = 0.2, gamma = 2 }, function(b, e)
    local x, y = sub(e[1], b), sub(e[2], b)
    return P.by_place(b, function(v, i, j)
      local d = ((P.cosine(P.row(x, i), P.row(y, i)) + 1) / 2) ^ 2
      return v + (0.7 * P.at(x, i, j) + 0.3 * P.at(y, i, j)) * (0.8 * d + 0.2 * (1 - d))
    end)
  end },
}

--- Trimmed to the reference's threshold, what agrees with the elected sign is averaged.
local function ties_sum(b, e, k, by_mass)
  local t = map(three(taus(b, e)), function(x)
    local order = {}
    for i, v in ipairs(x) do order[i] = math.abs(v) end
    table.sort(order)
    local limit = order[math.max(#x - math.floor(k * #x), 1)]
    return zip(function(v) return math.abs(v) >= limit and v or 0 end, x)
  end)
  local kept, votes = {}, zip(function(x, y, z) return sign(by_mass and x + y + z or sign(x) + sign(y) + sign(z)) end, t[1], t[2], t[3])
  for i, x in ipairs(t) do kept[i] = zip(function(v, vote) return sign(v) == vote and v or 0 end, x, votes) end
  local count = zip(function(vote, x, y, z) return (sign(x) == vote and 1 or 0) + (sign(y) == vote and 1 or 0) + (sign(z) == vote and 1 or 0) end, votes, t[1], t[2], t[3])
  return kept, count
end
local function shared(kept, count) return zip(function(s, n) return n > 0 and s / n or 0 end, sum(kept), count) end

for _, mass in ipairs { true, false } do
  cases[#cases + 1] = { "ties_sum", with { k = 0.5, by_mass = mass }, function(b, e) return add(b, shared(ties_sum(b, e, 0.5, mass))) end }
end
cases[#cases + 1] = { "ties_sum", with { k = 0.9, stock = true }, function(b, e) -- sd-mecha ties_sum_extended, apply_stock
  local kept, count = ties_sum(b, e, 0.9, true)
  local merged = shared(kept, count)
  return P.by_place(b, function(v, i, j)
    local c = 0
    for x = 1, 3 do for y = x + 1, 3 do c = c + P.cosine(P.row(kept[x], i), P.row(kept[y], i)) / 3 end end
    return v + 3 * c / (1 + 2 * c) * P.at(merged, i, j)
  end)
end }
cases[#cases + 1] = { "ties_median", with { k = 0.5 }, function(b, e)
  local kept = ties_sum(b, e, 0.5, false)
  local m = mean(kept)
  for _ = 1, 30 do
    local w, all = {}, 0
    for i, x in ipairs(kept) do w[i] = 1 / math.max(norm(sub(x, m)), 1e-6) all = all + w[i] end
    m = sum(map(kept, function(x, i) return times(w[i] / all, x) end))
  end
  return add(b, m)
end }
for mask, f in pairs {
  train = function(a, b, c) return 1.8 * math.abs(b - a) / (math.abs(b - a) + math.abs(b - c)) end,
  opposite = function(a, b, c) return 2 * math.abs(a - b) / (math.abs(a - b) + math.abs(a + b - 2 * c)) end,
  strict = function(a, b, c) return 2 * math.max((c - a) * (b - c) / math.max(math.abs(a - c), math.abs(b - c)) ^ 2, 0) end,
} do
  cases[#cases + 1] = { "train_difference", { a = files[1], b = files[2], c = base, mask = mask }, function(b, e)
    return zip(function(x, y, c) return x + f(x, y, c) * (y - c) end, e[1], e[2], b)
  end, 0.01 }
end
for _, stiffness in ipairs { 0, 1 } do
  cases[#cases + 1] = { "clamp", { a = files[4], bounds = { base, files[1], files[2] }, stiffness = stiffness }, function(b, e)
    return zip(function(v, x, y, z)
      local s = { x, y, z }
      table.sort(s)
      local middle, low, high = (x + y + z) / 3, s[1], s[3]
      if stiffness == 1 then
        low, high = -math.huge, math.huge
        for _, w in ipairs(s) do
          if w >= middle then high = math.min(high, w) end
          if w <= middle then low = math.max(low, w) end
        end
      end
      return P.clamp(v, low, high)
    end, e[4], b, e[1], e[2])
  end }
end

describe("published methods, element by element:", function()
  for _, case in ipairs(cases) do
    it(case[1] .. (case[2].mask and " " .. case[2].mask or ""), function() is(case[1], case[2], case[3], case[4]) end)
  end
  it("exchange", function()
    local shapes = { ["model.layers.0.w"] = { 4, 4 }, ["model.layers.1.w"] = { 4, 4 }, ["model.norm.weight"] = { 4 } }
    local own = { ["model.layers.0.w"] = toy.random(16), ["model.layers.1.w"] = toy.random(16), ["model.norm.weight"] = toy.random(4) }
    local found = toy.run("tests/methods/exchange.lua", { model = toy.write(own, shapes) })
    assert.same(own["model.layers.0.w"], found["model.layers.1.w"])
    assert.same(own["model.layers.1.w"], found["model.layers.0.w"])
    assert.same(own["model.norm.weight"], found["model.norm.weight"])
  end)
end)

describe("published methods that draw:", function()
  local N, shapes, models, paths = 6000, { w = { 60, 100 } }, {}, {}
  for k = 1, 4 do
    models[k] = { w = toy.random(N) }
    paths[k] = toy.write(models[k], shapes)
  end
  --- Whether found[i] - centre[i], by the deviation at i, is about of mean 0 and variance 1.
  local function is_normal(found, centre, deviation)
    local s, squares = 0, 0
    for i, v in ipairs(found) do
      local z = (v - centre[i]) / deviation(i)
      s, squares = s + z / N, squares + z * z / N
    end
    assert(math.abs(s) < 0.06 and math.abs(squares - 1) < 0.1, ("mean %.3g, squares %.3g"):format(s, squares))
  end
  it("recombine takes every tensor whole from one model", function()
    local many, file = {}, {}
    for k = 1, 3 do
      many[k] = {}
      for t = 1, 40 do many[k]["t" .. t] = toy.random(5) end
      file[k] = toy.write(many[k])
    end
    local met = {}
    for name, values in pairs(toy.run("tests/methods/recombine.lua", { models = file })) do
      local of
      for k = 1, 3 do of = many[k][name][1] == values[1] and k or of end
      assert.same(many[of][name], values)
      met[of] = true
    end
    assert.equal(3, #met)
  end)
  it("noise is of its share of the deviation", function()
    local x = models[1].w
    local m, var = total(x) / N, 0
    for _, v in ipairs(x) do var = var + (v - m) ^ 2 / N end
    is_normal(toy.run("tests/methods/noise.lua", { model = paths[1], strength = 0.5 }).w, x, function() return 0.5 * math.sqrt(var) end)
  end)
  it("SWAG: half the variance is the diagonal's, half that of the deviations", function()
    local mu = mean(map(models, function(x) return x.w end))
    local found, again = toy.run("tests/methods/swag.lua", { checkpoints = paths }, { seed = 3 }).w, toy.run("tests/methods/swag.lua", { checkpoints = paths }, { seed = 3 }).w
    assert.same(found, again)
    -- the weights of the deviations are one draw for all elements: by least squares they are taken out, the diagonal is left
    local d = map(models, function(x) return sub(x.w, mu) end)
    local a, b = P.matrix(3, 3, function(i, j) return dot(d[i], d[j]) end), P.matrix(3, 1, function(i) return dot(d[i], sub(found, mu)) end)
    local w = P.solve(a, b)
    local centre = mu
    for k = 1, 3 do centre = add(centre, times(w[k], d[k])) end
    is_normal(found, centre, function(i)
      local var = 0
      for k = 1, 4 do var = var + d[k][i] ^ 2 / 4 end
      return math.sqrt(var / 2)
    end)
    assert(math.abs(w[1]) + math.abs(w[2]) + math.abs(w[3]) > 0.05)
  end)
  it("pruning keeps its share, dropout is right on average and drops the smallest more often", function()
    local kept = 0
    for _, v in ipairs(toy.run("tests/methods/prune.lua", { model = paths[1], density = 0.3, random = true }).w) do kept = kept + (v ~= 0 and 1 or 0) end
    assert(math.abs(kept / N - 0.3) < 0.03)
    local zero = toy.write({ w = P.times(0, models[1].w) }, shapes)
    local found, x, sums = toy.run("tests/methods/ties_sum.lua", { base = zero, experts = { paths[1] }, k = 1, p = 0.4, eps = 0.2 }).w, models[1].w, { 0, 0, 0, 0, 0, 0 }
    for i, v in ipairs(found) do
      local near = math.abs(x[i]) < 0.5 and 1 or 2 -- uniform up to 1: keeps 0.55 of the lower half, 0.65 of the upper
      sums[near], sums[near + 2] = sums[near] + (v ~= 0 and 1 or 0), sums[near + 2] + 1
      sums[5], sums[6] = sums[5] + v * x[i], sums[6] + x[i] ^ 2
    end
    assert(math.abs(sums[1] / sums[3] - 0.55) < 0.04 and math.abs(sums[2] / sums[4] - 0.65) < 0.04 and math.abs(sums[5] / sums[6] - 1) < 0.06,
      table.concat(sums, " "))
  end)
end)
