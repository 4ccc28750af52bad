--- Published methods that take matrices apart, as recipes in tests/methods, against plain loops with Jacobi's singular values.
package.path = "tests/spec/?.lua;" .. package.path
local toy, P = require "toy", require "published"
local map, sum, mean, taus, norm = P.map, P.sum, P.mean, P.taus, P.norm
local add, sub, times, mm, T, at = P.add, P.sub, P.times, P.mm, P.T, P.at
local files, base, X3 = P.files, P.base_file, { base = P.base_file, experts = P.first(3) }
local function with(more)
  local all = {}
  for _, t in ipairs { X3, more } do for k, v in pairs(t) do all[k] = v end end
  return all
end
local function three(b, e) return taus(b, { e[1], e[2], e[3] }) end
local function mean_of(b, e) return add(b, mean(three(b, e))) end
local function first_of(_, e) return e[1] end

--- The first k singular vectors and values.
local function lead(x, k)
  local u, s, v = P.svd(x)
  return P.part(u, nil, { 1, k }), table.move(s, 1, k, 1, {}), P.part(v, { 1, k })
end
local function low(x, k) return P.spectrum(x, 1, k) end

local function ace(tau)
  return function(b, e)
    local t, logs, m, spread = three(b, e), {}, 0, 0
    for k, x in ipairs(t) do
      logs[k] = math.log(norm(x) ^ 2)
      m = m + logs[k] / 3
    end
    for k = 1, 3 do spread = spread + (logs[k] - m) ^ 2 / 3 end
    local unlike, D, N, middle = spread / m ^ 2 > tau, times(0.02, P.eye(b.n)), times(0, b), times(0, b)
    for _, x in ipairs(t) do
      local means = {}
      for j = 1, x.n do means[j] = P.total(P.column(x, j)) / x.m end
      local centred = P.by_place(x, function(v, _, j) return v - means[j] end)
      local g = mm(T(centred), centred)
      local trace = 0
      for i = 1, g.n do trace = trace + at(g, i, i) end
      if not unlike then trace = 1 end
      local c = add(times(1 / trace, g), times(0.02 / trace, P.eye(g.n)))
      D, N, middle = add(D, c), add(N, mm(centred, c)), add(middle, times(1 / 3, sub(x, centred)))
    end
    local W = add(T(P.solve(D, T(N))), middle)
    if unlike then
      local u, s, v = lead(W, math.floor(0.3 * math.min(b.m, b.n)))
      W = add(W, times(P.total(s) / #s, mm(u, v)))
    end
    return add(b, times(0.8, W))
  end, function(b, e) return add(b, times(0.8, mean(three(b, e)))) end
end

local cases = {
  { "truncate_rank", { base = base, expert = files[1], rank = 3 }, function(b, e) return add(b, low(sub(e[1], b), 3)) end, first_of },
  { "rotate", { a = files[1], b = files[2], t = 0.25 }, function(_, e)
    local turned = mm(e[1], P.orthogonal(mm(T(e[1]), e[2])))
    return add(times(0.75, turned), times(0.25, e[2]))
  end, function(_, e) return add(times(0.75, e[1]), times(0.25, e[2])) end },
  { "tsv_c", with { task = 2 }, function(b, e) return add(b, low(sub(e[2], b), math.min(b.m, b.n) // 3)) end, function(_, e) return e[2] end },
  { "iso_cts", with { common = 0.5, scale = 0.9 }, function(b, e)
    local t = three(b, e)
    local x, r = sum(t), math.min(b.m, b.n)
    local own = math.floor(0.5 * r / 3)
    local u, s, v = lead(x, r - 3 * own)
    local U, S, V = { u }, s, { v }
    for _, d in ipairs(t) do
      local p, q, w = lead(sub(d, mm(u, mm(T(u), d))), own)
      U[#U + 1], V[#V + 1] = p, w
      table.move(q, 1, #q, #S + 1, S)
    end
    return add(b, times(0.9 * P.total(S) / #S, mm(P.orthogonal(P.beside(U)), P.orthogonal(P.below(V)))))
  end, function(b, e) return add(b, times(0.9, mean(three(b, e)))) end },
  { "opcm", with { alpha = 0.5 }, function(b, e)
    local t = three(b, e)
    local merged, lambda, length = t[1], 1, norm(t[1])
    for k = 2, 3 do
      local u, s, v = P.svd(merged)
      local all, before, outside = P.total(s), 0, {}
      for i, value in ipairs(s) do
        before = before + value
        outside[i] = before / all > 0.5 and 1 or 0
      end
      local z = mm(mm(T(u), t[k]), T(v))
      local s_of = add(times(lambda, merged), mm(P.columns(u, outside), mm(z, v)))
      length = ((k - 1) * length + norm(t[k])) / k
      lambda = norm(s_of) / length
      merged = times(1 / lambda, s_of)
    end
    return add(b, merged)
  end, function(b, e)
    local t = three(b, e)
    local merged, lambda, length = t[1], 1, norm(t[1])
    for k = 2, 3 do
      local s_of = add(times(lambda, merged), t[k])
      length = ((k - 1) * length + norm(t[k])) / k
      lambda = norm(s_of) / length
      merged = times(1 / lambda, s_of)
    end
    return add(b, merged)
  end },
  { "subspace_boosting", with { beta = 0.5, scale = 0.8 }, function(b, e)
    return add(b, times(0.8, P.spectrum(sum(three(b, e)), 1, nil, function(value, _, s)
      local before = 0
      for _, v in ipairs(s) do
        before = before + v
        if before >= 0.5 * P.total(s) then return math.max(value, v) end
      end
    end)))
  end, function(b, e) return add(b, times(0.8, sum(three(b, e)))) end },
  { "core_space", with { rank = 2, density = 0.5, scale = 0.7 }, function(b, e)
    local u, s, v = {}, {}, {}
    for k, t in ipairs(three(b, e)) do u[k], s[k], v[k] = lead(t, 2) end
    local U, _, V = P.svd(P.beside(u)), nil, select(3, P.svd(P.below(v)))
    local cores = map(u, function(p, k)
      local core = mm(mm(T(U), P.columns(p, s[k])), mm(v[k], T(V)))
      return P.top(core, #core // 2)
    end)
    return add(b, times(0.7, mm(mm(U, sum(cores)), V)))
  end, function(b, e) return add(b, times(0.7, mean(three(b, e)))) end },
  { "svc", with { alpha = 0.5 }, function(b, e)
    local t = three(b, e)
    local x = sum(t)
    local u, s, v = P.svd(x)
    local scaled = {}
    for r, value in ipairs(s) do
      local direction, total = T(P.part(u, nil, { r, r })), 0
      local merged = mm(direction, x)
      for _, d in ipairs(t) do
        local own = mm(direction, d)
        total = total + math.max(0.5, P.dot(merged, own) / P.dot(own, own))
      end
      scaled[r] = value * 3 / total
    end
    return add(b, mm(P.columns(u, scaled), v))
  end, function(b, e) return add(b, sum(three(b, e))) end },
  { "dc_merge", with { density = 0.3, scale = 0.9 }, function(b, e)
    local k, u, s, v = math.min(b.m, b.n) // 3, {}, {}, {}
    for i, t in ipairs(three(b, e)) do u[i], s[i], v[i] = lead(t, k) end
    local U, V = P.orthogonal(P.beside(u)), P.orthogonal(P.below(v))
    local inside = map(u, function(p, i)
      local x = mm(mm(T(U), P.columns(p, s[i])), mm(v[i], T(V)))
      local order = map(x, math.abs)
      table.sort(order)
      local limit = order[math.max(#x - math.floor(0.3 * #x), 1)]
      return P.zip(function(w) return math.abs(w) >= limit and w or 0 end, x)
    end)
    local merged = P.by_place(inside[1], function(_, i, j)
      if (i - 1) // k ~= (j - 1) // k then return 0 end
      local all, total, count = at(inside[1], i, j) + at(inside[2], i, j) + at(inside[3], i, j), 0, 0
      for _, x in ipairs(inside) do
        if at(x, i, j) * all > 0 then total, count = total + at(x, i, j), count + 1 end
      end
      return count > 0 and total / count or 0
    end)
    return add(b, times(0.9, mm(mm(U, merged), V)))
  end, function(b, e) return add(b, times(0.9, mean(three(b, e)))) end },
  { "ace", with { eps = 0.02, tau = 0.01, scale = 0.8 }, ace(0.01) },
  { "ace", with { eps = 0.02, tau = 50, scale = 0.8 }, ace(50) },
  { "stf", with { rank = 2 }, function(b, e)
    local Y, V = {}, {}
    for k, t in ipairs(three(b, e)) do
      local u, s, v = lead(t, 2)
      Y[k], V[k] = P.columns(u, s), v
    end
    local A, B = P.below(V), P.beside(Y) -- x with x A' = B and the least norm: B (A A')^-1 A
    return add(b, mm(B, P.solve(mm(A, T(A)), A)))
  end },
  { "twin_merging", with { weight = { 0.5, 0.2, 0.3 }, rank = 2, scale = 0.4 }, function(b, e)
    local shared = add(b, times(0.4, sum(three(b, e))))
    return add(shared, sum(map({ 0.5, 0.2, 0.3 }, function(w, k) return times(w, low(sub(e[k], shared), 2)) end)))
  end, function(b, e)
    local shared = add(b, times(0.4, sum(three(b, e))))
    return add(shared, sum(map({ 0.5, 0.2, 0.3 }, function(w, k) return times(w, sub(e[k], shared)) end)))
  end },
}

-- ---- vectors of rows and columns as tensors ----

--- Of each number its place among all, from 0 to 1.
local function ranks(x)
  local order, made = {}, {}
  for i in ipairs(x) do order[i] = i end
  table.sort(order, function(i, j) return x[i] < x[j] or x[i] == x[j] and i < j end)
  for r, i in ipairs(order) do made[i] = (r - 1) / (#x - 1) end
  return made
end

cases[#cases + 1] = { "star", with { eta = 0.4 }, function(b, e)
  return add(b, mean(map(three(b, e), function(t)
    return (P.spectrum(t, 1, nil, function(value, i, s)
      local before, kept, all = 0, 0, P.total(s)
      for k, v in ipairs(s) do
        if before < 0.4 * all then kept = kept + v end
        if k == i and before >= 0.4 * all then value = 0 end
        before = before + v
      end
      return value * all / kept
    end))
  end))) end }
cases[#cases + 1] = { "widen", with { t = 1.25 }, function(b, e)
  local weights = {}
  local function scores(moved)
    local r = map({ 1, 2, 3 }, function(k)
      local x = {}
      for j = 1, b.n do x[j] = moved(P.column(e[k], j), P.column(b, j)) end
      return ranks(x)
    end)
    for k = 1, 3 do
      weights[k] = weights[k] or {}
      for j = 1, b.n do
        local all = math.exp(r[1][j]) + math.exp(r[2][j]) + math.exp(r[3][j])
        local own = r[k][j] > 1.25 * P.total(r[k]) / b.n and 1 or math.exp(r[k][j]) / all
        weights[k][j] = (weights[k][j] or 0) + own / 2
      end
    end
  end
  scores(function(x, y) return math.abs(norm(x) - norm(y)) end)
  scores(function(x, y) return 1 - P.cosine(x, y) end)
  return add(b, sum(map({ 1, 2, 3 }, function(k) return P.columns(sub(e[k], b), weights[k]) end)))
end, function(_, e) return mean { e[1], e[2], e[3] } end }
cases[#cases + 1] = { "lora_lego", with { rank = 3, clusters = 4, steps = 3 }, function(b, e)
  local units = {}
  for _, t in ipairs(three(b, e)) do
    local u, s, v = lead(t, 3)
    for k = 1, 3 do -- the sign of a pair makes the first of the largest of u positive
      local column, best = P.column(u, k), 1
      for i, x in ipairs(column) do if math.abs(x) > math.abs(column[best]) then best = i end end
      local sign, unit = P.sign(column[best]), {}
      for j, x in ipairs(P.row(v, k)) do unit[j] = sign * x end
      for i, x in ipairs(column) do unit[b.n + i] = sign * s[k] * x end
      units[#units + 1] = unit
    end
  end
  local centres = table.move(units, 1, 4, 1, {})
  for _ = 1, 3 do
    local sums, counts = {}, { 0, 0, 0, 0 }
    for _, unit in ipairs(units) do
      local near, least
      for k, c in ipairs(centres) do
        local far = 0
        for j, x in ipairs(c) do far = far + (x - unit[j]) ^ 2 end
        if not least or far < least then near, least = k, far end
      end
      sums[near], counts[near] = sums[near] or {}, counts[near] + 1
      for j, x in ipairs(unit) do sums[near][j] = (sums[near][j] or 0) + x end
    end
    for k = 1, 4 do if counts[k] > 0 then centres[k] = map(sums[k], function(x) return x / counts[k] end) end end
  end
  return add(b, P.by_place(b, function(_, i, j)
    local total = 0
    for _, c in ipairs(centres) do total = total + c[b.n + i] * c[j] end
    return total
  end))
end }
for _, tilt in ipairs { 0, 0.4 } do
  local function crossed(x, sides)
    local function wave(m, n, f) -- f(column, row, frequency down, across) summed over a picture
      return P.matrix(m, n, function(p, q)
        local total = 0
        for i = 1, m do for j = 1, n do total = total + f(i, j, p, q) end end
        return total
      end)
    end
    local m, n = x.m, x.n
    local function angle(i, j, p, q) return 2 * math.pi * ((i - 1) * (p - 1) / m + (j - 1) * (q - 1) / n) end
    local re = wave(m, n, function(i, j, p, q) return at(x, i, j) * math.cos(angle(i, j, p, q)) end)
    local im = wave(m, n, function(i, j, p, q) return -at(x, i, j) * math.sin(angle(i, j, p, q)) end)
    local filter = P.matrix(m, n, function(p, q)
      local y, z = math.min(p - 1, m - p + 1) / math.max(m // 2, 1), math.min(q - 1, n - q + 1) / math.max(n // 2, 1)
      local mesh = math.sqrt((y * y + z * z) / sides)
      if tilt == 0 then return mesh > 0.7 and 1 or 0 end
      return P.clamp((mesh - 0.7) / math.tan(math.pi * tilt / 2) + 0.3, 0, 1)
    end)
    return wave(m, n, function(p, q, i, j)
      local w = at(filter, p, q) / (m * n)
      return w * (at(re, p, q) * math.cos(angle(i, j, p, q)) - at(im, p, q) * math.sin(angle(i, j, p, q)))
    end)
  end
  cases[#cases + 1] = { "crossover", { a = files[1], b = files[2], alpha = 0.3, tilt = tilt }, function(_, e) return add(e[1], crossed(sub(e[2], e[1]), 2)) end,
    function(_, e) return add(e[1], crossed(sub(e[2], e[1]), 1)) end }
end

for _, threshold in ipairs { 0.9, -0.9 } do
  local function project(b, e)
    local v, x = sub(e[1], b), sub(e[2], e[1])
    return mm(mm(v, T(v)), x), x, v
  end
  cases[#cases + 1] = { "safe_lora", { unaligned = base, aligned = files[1], tuned = files[2], threshold = threshold }, function(b, e)
    local p, x, v = project(b, e)
    return add(e[1], P.cosine(p, x) < threshold and times(1 / norm(v), p) or x)
  end, function(_, e) return e[2] end }
  cases[#cases + 1] = { "safe_merge", { unaligned = base, aligned = files[1], tuned = files[2], safe = files[3], threshold = threshold, alpha = 0.7 }, function(b, e)
    local p, x = project(b, e)
    return add(e[1], P.cosine(p, x) >= threshold and x or add(times(0.3, sub(e[3], e[1])), times(0.7, x)))
  end, function(_, e) return e[2] end }
end

describe("published methods of matrices:", function()
  for _, case in ipairs(cases) do
    local of = case[2].threshold or case[2].tau or case[2].tilt
    it(case[1] .. (of and " " .. of or ""), function() P.is_of_matrices(case[1], case[2], case[3], case[4] or mean_of, nil, 2e-5) end)
  end
  it("truncate_kronecker: of one product all, of more the leading ones", function()
    P.is_of_matrices("truncate_kronecker", { base = base, expert = files[1], rows = 4, columns = 4, rank = 2 }, function(b, e)
      local t = sub(e[1], b)
      local h, w = b.m // 4, b.n // 4
      local blocks = P.matrix(16, h * w, function(k, c)
        return at(t, (k - 1) // 4 * h + (c - 1) // w + 1, (k - 1) % 4 * w + (c - 1) % w + 1)
      end)
      local near = low(blocks, 2)
      return add(b, P.by_place(t, function(_, i, j)
        return at(near, (i - 1) // h * 4 + (j - 1) // w + 1, (i - 1) % h * w + (j - 1) % w + 1)
      end))
    end, first_of, nil, 2e-5)
  end)
  it("ortho_merge", function() -- of matrices that are not wider than high: of others the turn is not unique
    local shapes = { ["model.layers.0.w"] = { 9, 5 }, ["model.norm.weight"] = { 6 } }
    local W, E = {}, { {}, {}, {} }
    for name, shape in pairs(shapes) do
      local n = shape[1] * (shape[2] or 1)
      W[name] = toy.random(n)
      for k = 1, 3 do E[k][name] = P.zip(function(v) return toy.f32(v + (math.random() * 2 - 1) * 0.2) end, W[name]) end
    end
    local found = toy.run("tests/methods/ortho_merge.lua", { base = toy.write(W, shapes), experts = map(E, function(x) return toy.write(x, shapes) end), scale = 0.5 })
    local function matrix_of(x) return P.matrix(9, 5, function(i, j) return x["model.layers.0.w"][(i - 1) * 5 + j] end) end
    local w, eye = matrix_of(W), P.eye(5)
    local function cayley(q) return P.solve(sub(eye, q), add(eye, q)) end
    local direction, length, rest = times(0, eye), 0, times(0, w)
    for k = 1, 3 do
      local R = P.orthogonal(mm(T(w), matrix_of(E[k])))
      local q = P.solve(add(R, eye), sub(R, eye))
      q = times(0.5, sub(q, T(q)))
      direction, length, rest = add(direction, q), length + norm(q) / 3, add(rest, sub(matrix_of(E[k]), mm(w, cayley(q))))
    end
    local expected = add(mm(w, cayley(times(length / norm(direction), direction))), times(0.5, rest))
    for i, v in ipairs(found["model.layers.0.w"]) do assert(math.abs(v - expected[i]) < 1e-5, i) end
    for i, v in ipairs(found["model.norm.weight"]) do
      local b, total = W["model.norm.weight"][i], 0
      for k = 1, 3 do total = total + E[k]["model.norm.weight"][i] - b end
      assert(math.abs(v - b - 0.5 * total) < 1e-6)
    end
  end)
  it("c2m3: models that differ by the order of their units become one", function()
    local shapes = { ["0.up.weight"] = { 6, 5 }, ["0.down.weight"] = { 4, 6 }, ["norm.weight"] = { 4 } }
    local own, all = { ["0.up.weight"] = toy.random(30), ["0.down.weight"] = toy.random(24), ["norm.weight"] = toy.random(4) }, {}
    for k, order in ipairs { { 1, 2, 3, 4, 5, 6 }, { 4, 1, 6, 3, 2, 5 }, { 2, 5, 1, 6, 4, 3 } } do
      local other = { ["0.up.weight"] = {}, ["0.down.weight"] = {}, ["norm.weight"] = own["norm.weight"] }
      for i = 1, 6 do
        for j = 1, 5 do other["0.up.weight"][(i - 1) * 5 + j] = own["0.up.weight"][(order[i] - 1) * 5 + j] end
        for j = 1, 4 do other["0.down.weight"][(j - 1) * 6 + i] = own["0.down.weight"][(j - 1) * 6 + order[i]] end
      end
      all[k] = toy.write(other, shapes)
    end
    local found = toy.run("tests/methods/c2m3.lua", { models = all })
    for name, values in pairs(own) do for i, v in ipairs(values) do assert(math.abs(found[name][i] - v) < 1e-6, name) end end
  end)
  it("rebasin: exchanged hidden units come back, by either cost", function()
    local shapes = { ["0.up.weight"] = { 6, 5 }, ["0.down.weight"] = { 4, 6 }, ["norm.weight"] = { 4 } }
    local own = { ["0.up.weight"] = toy.random(30), ["0.down.weight"] = toy.random(24), ["norm.weight"] = toy.random(4) }
    local order, other = { 4, 1, 6, 3, 2, 5 }, { ["0.up.weight"] = {}, ["0.down.weight"] = {}, ["norm.weight"] = own["norm.weight"] }
    for i = 1, 6 do
      for j = 1, 5 do other["0.up.weight"][(i - 1) * 5 + j] = own["0.up.weight"][(order[i] - 1) * 5 + j] end
      for j = 1, 4 do other["0.down.weight"][(j - 1) * 6 + i] = own["0.down.weight"][(j - 1) * 6 + order[i]] end
    end
    local both = { base = toy.write(own, shapes), other = toy.write(other, shapes) }
    for _, cost in ipairs { "matching", "distance" } do
      both.cost = cost
      local found = toy.run("tests/methods/rebasin.lua", both)
      for name, values in pairs(own) do for i, v in ipairs(values) do assert(math.abs(found[name][i] - v) < 1e-6, name) end end
    end
  end)
end)
