--- What goes along rows (reduce.lua) against naive loops in plain Lua: of matrices with long, short and odd rows, of a convolution, of a
-- vector, which is one row, and of a tensor of one number. The bits are the same for any number of threads.
package.path = "tests/spec/?.lua;" .. package.path
local toy = require "toy"
local f32 = toy.f32

math.randomseed(11)
local SHAPES = { long = { 5, 4100 }, odd = { 61, 37 }, short = { 300, 8 }, cube = { 6, 5, 3, 4 }, flat = { 2500 }, one = {} }

local function made(scale)
  local tensors = {}
  for name, shape in pairs(SHAPES) do
    local n = 1
    for _, d in ipairs(shape) do n = n * d end
    tensors[name] = toy.random(n, scale)
  end
  return tensors
end
local X, Y = made(1), made(1)
local x, y = toy.write(X, SHAPES), toy.write(Y, SHAPES)

local function run(text, options) return toy.run(toy.expression(text), { x = x, y = y }, options) end

--- Checks expected(row of x, row of y, i) of every element, rows being runs of the last dimension, or of `of` neighbours.
local function rows(text, expected, tolerance, of)
  local found = run(text)
  for name, shape in pairs(SHAPES) do
    local n = of or shape[#shape] or 1
    if (shape[#shape] or 1) % n == 0 and n > 1 then
      for first = 0, #X[name] - 1, n do
        local a, b = table.move(X[name], first + 1, first + n, 1, {}), table.move(Y[name], first + 1, first + n, 1, {})
        local of_row = expected(a, b)
        for i = 1, n do
          local e, f = type(of_row) == "function" and of_row(i) or of_row, found[name][first + i]
          assert(math.abs(f - e) <= tolerance * math.max(1, math.abs(e)), ("%s of %s, element %d: %.9g, expected %.9g"):format(text, name, first + i, f, e))
        end
      end
    end
  end
end

local function total(a, f)
  local sum = 0
  for i, v in ipairs(a) do sum = sum + (f and f(v, i) or v) end
  return sum
end
local function mean(a) return total(a) / #a end
local function norm(a) return math.sqrt(total(a, function(v) return v * v end)) end
local function dot(a, b) return total(a, function(v, i) return v * b[i] end) end
local function variance(a) local m = mean(a) return total(a, function(v) return (v - m) ^ 2 end) / #a end
local function sorted(a) local s = table.move(a, 1, #a, 1, {}) table.sort(s) return s end
--- Places from 0, of equal values in their order.
local function places(a, f)
  local order, place = {}, {}
  for i in ipairs(a) do order[i] = i end
  table.sort(order, function(i, j)
    local v, w = f and f(a[i]) or a[i], f and f(a[j]) or a[j]
    return v < w or (v == w and i < j)
  end)
  for p, i in ipairs(order) do place[i] = p - 1 end
  return place
end

describe("along rows", function()
  local zero = "0 * x + "
  it("total, sum and mean", function()
    rows(zero .. 'x:total{per="row"}', function(a) return total(a) end, 2e-5)
    rows(zero .. 'x:sum{per="row"}', function(a) return total(a) end, 2e-5)
    rows(zero .. 'x:mean{per="row"}', function(a) return mean(a) end, 2e-6)
  end)
  it("norm, peak, max and min", function()
    rows(zero .. 'x:norm{per="row"}', function(a) return norm(a) end, 2e-6)
    rows(zero .. 'x:peak{per="row"}', function(a) return math.max(-sorted(a)[1], sorted(a)[#a]) end, 0)
    rows(zero .. 'x:max{per="row"}', function(a) return sorted(a)[#a] end, 0)
    rows(zero .. 'x:min{per="row"}', function(a) return sorted(a)[1] end, 0)
  end)
  it("dot and cosine", function()
    rows(zero .. 'x:dot(y, {per="row"})', function(a, b) return dot(a, b) end, 2e-5)
    rows(zero .. 'x:cosine(y, {per="row"})', function(a, b) return dot(a, b) / norm(a) / norm(b) end, 2e-6)
  end)
  it("argmax counts from 0", function()
    rows(zero .. 'x:argmax{per="row"}', function(a)
      local best = 1
      for i, v in ipairs(a) do if v > a[best] then best = i end end
      return best - 1
    end, 0)
  end)
  it("quantile takes the lower neighbour", function()
    for _, q in ipairs { 0, 0.3, 0.5, 1 } do
      rows(zero .. ('x:quantile(%g, {per="row"})'):format(q), function(a) return sorted(a)[1 + math.floor(q * (#a - 1))] end, 0)
    end
  end)
  it("var and std are the population's", function()
    rows(zero .. 'x:var{per="row"}', function(a) return variance(a) end, 2e-6)
    rows(zero .. 'x:std{per="row"}', function(a) return math.sqrt(variance(a)) end, 2e-6)
  end)
  it("softmax", function()
    rows('x:softmax{per="row"}', function(a)
      local m = sorted(a)[#a]
      local all = total(a, function(v) return math.exp(v - m) end)
      return function(i) return math.exp(a[i] - m) / all end
    end, 2e-6)
  end)
  it("softmax of a list is that of every member", function()
    assert.same(run 'x:softmax{per="row"} + y:softmax{per="row"}', run 'sum(list{x, y}:softmax{per="row"})')
  end)
  it("rank is 0 for the smallest and 1 for the largest", function()
    rows('x:abs():rank{per="row"}', function(a)
      local place = places(a, math.abs)
      return function(i) return f32(place[i] / (#a - 1)) end
    end, 0)
  end)
  it("keep_top keeps of every row, of equal ones the lower index", function()
    rows('x:keep_top(0.3, {per="row", count="exact"})', function(a)
      local place = places(a, function(v) return -math.abs(v) end)
      return function(i) return place[i] < math.floor(#a * 0.3) and a[i] or 0 end
    end, 0)
    rows('(0 * x + 1):keep_top(0.5, {per="row", count="exact"})', function(a)
      return function(i) return i <= math.floor(#a / 2) and 1 or 0 end
    end, 0)
  end)
  it("n of every m neighbours", function()
    local found = toy.run(toy.expression "x:keep_top(2, {of = 4})", { x = toy.write({ w = X.short }, { w = { 300, 8 } }), y = toy.write({ w = X.short }, { w = { 300, 8 } }) }).w
    for first = 0, #found - 1, 4 do
      local a = table.move(X.short, first + 1, first + 4, 1, {})
      local place = places(a, function(v) return -math.abs(v) end)
      for i = 1, 4 do assert.equal(place[i] < 2 and a[i] or 0, found[first + i]) end
    end
  end)
  it("a vector is computed with, and goes with its tensor", function()
    rows('x / x:norm{per="row"} * y:norm{per="row"}', function(a, b)
      local by = norm(b) / norm(a)
      return function(i) return a[i] * by end
    end, 4e-6)
    rows('where(x:gt(x:mean{per="row"}), y, x:min{per="row"})', function(a, b)
      local m, least = mean(a), sorted(a)[1]
      return function(i) return a[i] > m and b[i] or least end
    end, 1e-6)
  end)
  it("rows of what is made of rows", function()
    rows('(x - x:mean{per="row"}):norm{per="row"} * y', function(a, b)
      local m = mean(a)
      local n = math.sqrt(total(a, function(v) return (v - m) ^ 2 end))
      return function(i) return n * b[i] end
    end, 4e-6)
  end)
  it("slices, joins and turned matrices of it", function()
    local odd = { w = X.odd }
    local file = toy.write(odd, { w = SHAPES.odd })
    local function alone(text) return toy.run(toy.expression(text), { x = file, y = file }).w end
    local unit = alone 'x / x:norm{per="row"}'
    assert.same(unit, alone '(x / x:norm{per="row"}):T():T()')
    local cut = alone 'join{(x / x:norm{per="row"}):slice{rows={0, 20}}, (x / x:norm{per="row"}):slice{rows={20}}}'
    assert.same(unit, cut)
    local turned = toy.run('return recipe { "t", arg.model("x", "x"), function(a) return { w = (a.x.w / a.x.w:norm{per="row"}):T() } end }', { x = file }).w
    for i = 0, 60 do for j = 0, 36 do assert.equal(unit[i * 37 + j + 1], turned[j * 61 + i + 1]) end end
  end)
  it("numbers of a tensor from its rows", function()
    local found = run '0 * x + x:norm{per="row"}:total() + (x / x:norm{per="row"}):quantile(0.25)'
    for name, shape in pairs(SHAPES) do
      local n, norms, all = shape[#shape] or 1, 0, {}
      for first = 0, #X[name] - 1, n do
        local a = table.move(X[name], first + 1, first + n, 1, {})
        local own = norm(a)
        norms = norms + own
        for _, v in ipairs(a) do all[#all + 1] = v / own end
      end
      local e = norms + sorted(all)[1 + math.floor(0.25 * (#all - 1))]
      assert(math.abs(found[name][1] - e) <= 2e-5 * math.max(1, math.abs(e)), name)
    end
  end)
  it("gives the same bits for any number of threads", function()
    local text = '(x / x:norm{per="row"} - y:softmax{per="row"}) * x:cosine(y, {per="row"}) + x:norm{per="row"}:total() + (x * x:max{per="row"}):total()'
    local one, many = run(text, { threads = 1 }), run(text, { threads = 5 })
    assert.same(one, many)
  end)
end)

--- Checks expected(columns of x, of y) of every column: elements of one place in all rows.
local function columns(text, expected, tolerance)
  local found = run(text)
  for name, shape in pairs(SHAPES) do
    local n = shape[#shape] or 1
    for c = 1, #shape > 0 and n or 0 do
      local a, b = {}, {}
      for i = c, #X[name], n do a[#a + 1], b[#b + 1] = X[name][i], Y[name][i] end
      local e = expected(a, b)
      for i = 1, #a do
        local f, own = found[name][c + (i - 1) * n], type(e) == "function" and e(i) or e
        assert(math.abs(f - own) <= tolerance * math.max(1, math.abs(own)), ("%s of %s, column %d: %.9g, expected %.9g"):format(text, name, c, f, own))
      end
    end
  end
end

describe("along columns", function()
  local zero = "0 * x + "
  it("total, mean, norm, peak, max and min", function()
    columns(zero .. 'x:total{per="column"}', function(a) return total(a) end, 1e-6)
    columns(zero .. 'x:mean{per="column"}', function(a) return mean(a) end, 1e-6)
    columns(zero .. 'x:norm{per="column"}', function(a) return norm(a) end, 1e-6)
    columns(zero .. 'x:peak{per="column"}', function(a) return math.max(-sorted(a)[1], sorted(a)[#a]) end, 0)
    columns(zero .. 'x:max{per="column"} - y:min{per="column"}', function(a, b) return sorted(a)[#a] - sorted(b)[1] end, 1e-6)
  end)
  it("dot, cosine, var, std and count", function()
    columns(zero .. 'x:dot(y, {per="column"})', function(a, b) return dot(a, b) end, 1e-6)
    columns(zero .. 'x:cosine(y, {per="column"})', function(a, b) return dot(a, b) / norm(a) / norm(b) end, 2e-6)
    columns(zero .. 'x:var{per="column"} + x:std{per="column"}', function(a) return variance(a) + math.sqrt(variance(a)) end, 2e-6)
    columns(zero .. 'x:gt(0):count{per="column"}', function(a) return total(a, function(v) return v > 0 and 1 or 0 end) end, 0)
  end)
  it("quantile and argmax of matrices", function()
    local file = toy.write({ w = X.odd }, { w = SHAPES.odd })
    local found = toy.run(toy.expression '0 * x + x:quantile(0.3, {per="column"}) + 100 * x:argmax{per="column"}', { x = file, y = file }).w
    for c = 1, 37 do
      local a, best = {}, 1
      for i = c, #X.odd, 37 do a[#a + 1] = X.odd[i] end
      for i, v in ipairs(a) do if v > a[best] then best = i end end
      assert(math.abs(found[c] - sorted(a)[1 + math.floor(0.3 * 60)] - 100 * (best - 1)) < 1e-3)
    end
  end)
  it("a vector goes with its tensor, with rows too, and through softmax", function()
    columns('x / x:norm{per="column"}', function(a)
      local n = norm(a)
      return function(i) return a[i] / n end
    end, 1e-6)
    columns('x:softmax{per="column"}', function(a)
      local m = sorted(a)[#a]
      local all = total(a, function(v) return math.exp(v - m) end)
      return function(i) return math.exp(a[i] - m) / all end
    end, 2e-6)
    local file, other = toy.write({ w = X.odd }, { w = SHAPES.odd }), toy.write({ w = Y.odd }, { w = SHAPES.odd })
    local function alone(text) return toy.run(toy.expression(text), { x = file, y = other }).w end
    assert.same(alone 'x * x:norm{per="row"} * y:norm{per="column"}', alone 'x:scale_rows(x:norm{per="row"}):scale_columns(y:norm{per="column"})')
  end)
  it("gives the same bits for any number of threads, whatever else is read", function()
    local text = '(x / x:norm{per="column"}) + (y / y:norm{per="row"}):total{per="column"}'
    assert.same(run(text, { threads = 1 }), run(text, { threads = 5 }))
  end)
end)

describe("of a tensor and of a model", function()
  it("max, min, argmax, var, std and count", function()
    local found = run "0 * x + x:max() + 10 * x:min() + x:argmax() * 1000 + x:var() + x:std() + x:gt(0):count()"
    for name in pairs(SHAPES) do
      local a, s, best, positive = X[name], sorted(X[name]), 1, 0
      for i, v in ipairs(a) do
        if v > a[best] then best = i end
        if v > 0 then positive = positive + 1 end
      end
      local e = s[#a] + 10 * s[1] + (best - 1) * 1000 + variance(a) + math.sqrt(variance(a)) + positive
      assert(math.abs(found[name][1] - e) <= 1e-5 * math.max(1, math.abs(e)), name)
    end
  end)
  it("rank along columns, of matrices and of vectors", function()
    local shapes = { m = { 61, 37 }, flat = { 25 } }
    local t = { m = toy.random(61 * 37), flat = toy.random(25) }
    local found = toy.run('return recipe { "t", arg.model("x", "x"), function(a) return a.x:rank{per = "column"}:unweighed() end }', { x = toy.write(t, shapes) })
    for i, v in ipairs(t.m) do
      local below = 0
      for k = (i - 1) % 37 + 1, 61 * 37, 37 do if t.m[k] < v then below = below + 1 end end
      assert(math.abs(found.m[i] - below / 60) < 1e-6)
    end
    for i = 1, 25 do assert.equal(0, found.flat[i]) end
  end)
  it("rank of a tensor", function()
    local found = run "x:rank()"
    for name in pairs(SHAPES) do
      local place = places(X[name])
      for i, p in ipairs(place) do assert.equal(#place == 1 and 0 or f32(p / (#place - 1)), found[name][i]) end
    end
  end)
  it('per = "model" is that of the flat model', function()
    assert.same(run "x * x:flat():norm() + x:flat():dot(y:flat())", run 'x * x:norm{per="model"} + x:dot(y, {per="model"})')
  end)
end)

describe("by groups", function()
  local names = { "model.layers.0.a", "model.layers.0.b", "model.layers.1.a", "model.norm.weight" }
  local P, Q = {}, {}
  for _, name in ipairs(names) do P[name], Q[name] = toy.random(7), toy.random(7) end
  local p, q = toy.write(P), toy.write(Q)
  local function of(text) return toy.run(toy.expression(text), { x = p, y = q }) end
  it("by_layer gives a number a layer, and one of what is in none", function()
    local found, groups = of "0 * x + x:by_layer():cosine(y:by_layer()) + 10 * list{x, y}:by_layer():norm()[2]", { { 1, 2 }, { 3 }, { 4 } }
    for _, group in ipairs(groups) do
      local a, b = {}, {}
      for _, k in ipairs(group) do
        for i, v in ipairs(P[names[k]]) do a[#a + 1], b[#b + 1] = v, Q[names[k]][i] end
      end
      for _, k in ipairs(group) do assert(math.abs(found[names[k]][1] - dot(a, b) / norm(a) / norm(b) - 10 * norm(b)) < 1e-5) end
    end
  end)
  it("across makes one number of those of all tensors", function()
    local norms, most = 0, 0
    for _, name in ipairs(names) do norms, most = norms + norm(P[name]), math.max(most, norm(P[name])) end
    local found = of '0 * x + x:norm():across("total") + 10 * x:norm():across("max") + 100 * x:norm():across("mean")'
    assert(math.abs(found[names[4]][1] - norms - 10 * most - 25 * norms) < 1e-3)
  end)
  it("across makes one number of those of all layers, also of what was computed of them", function()
    local of_layer = { math.sqrt(dot(P[names[1]], P[names[1]]) + dot(P[names[2]], P[names[2]])), norm(P[names[3]]), norm(P[names[4]]) }
    local average = (of_layer[1] + of_layer[2] + of_layer[3]) / 3
    local deviation = 0
    for _, v in ipairs(of_layer) do deviation = deviation + (v - average) ^ 2 / 3 end
    local found = of '0 * x + (1 + x:by_layer():norm()):across("mean") + 10 * x:by_layer():norm():across("std") + 100 * x:norm():across("median")'
    local all = {}
    for i, name in ipairs(names) do all[i] = norm(P[name]) end
    table.sort(all)
    assert(math.abs(found[names[2]][1] - 1 - average - 10 * deviation ^ 0.5 - 50 * (all[2] + all[3])) < 1e-3)
  end)
  it("dots has the inner product of every pair", function()
    local found = of "0 * x + dots{x, y}[1][2] + 10 * dots{x, y}[2][2] + 100 * (dots{x, y}[2][1] - x:dot(y)) + dots(list{x, y}:flat())[1][1]"
    local all = 0
    for _, name in ipairs(names) do all = all + dot(P[name], P[name]) end
    for _, name in ipairs(names) do assert(math.abs(found[name][1] - dot(P[name], Q[name]) - 10 * dot(Q[name], Q[name]) - all) < 1e-4) end
  end)
  it("seed:normal is standard normal", function()
    local w = toy.run([[return recipe { "t", arg.model("x", "x"), arg.seed(), function(a)
      local s, t = 0, 0
      for _ = 1, 4000 do
        local v = a.seed:normal()
        s, t = s + v, t + v * v
      end
      return (0 * a.x + s / 4000 + 10 * t / 4000):unweighed()
    end }]], { x = toy.write { w = { 1, 2 } } }).w
    assert(math.abs(w[1] - 10) < 0.8, w[1])
  end)
end)

describe("a probability for each element", function()
  it("draws what the same number draws", function()
    local one = toy.run('return recipe { "t", arg.model("x", "x"), arg.seed(), function(a) return a.x:bernoulli(0.3, a.seed):unweighed() end }', { x = x })
    local each = toy.run('return recipe { "t", arg.model("x", "x"), arg.seed(), function(a) return a.x:bernoulli(0 * a.x + 0.3, a.seed):unweighed() end }', { x = x })
    assert.same(one, each)
  end)
  it("keeps the larger elements of a row more often", function()
    local found = toy.run('return recipe { "t", arg.model("x", "x"), arg.seed(), function(a) return a.x:bernoulli(a.x:rank{per = "row"}, a.seed):unweighed() end }', { x = x }).long
    local low, high = 0, 0
    for row = 0, 4 do
      local place = places(table.move(X.long, row * 4100 + 1, row * 4100 + 4100, 1, {}))
      for i, p in ipairs(place) do
        if p < 2050 then low = low + found[row * 4100 + i] else high = high + found[row * 4100 + i] end
      end
    end
    assert(math.abs(low / 10250 - 0.25) < 0.02 and math.abs(high / 10250 - 0.75) < 0.02, low .. " " .. high)
  end)
end)

describe("a vector as a tensor", function()
  local M, N = 9, 7
  local values, other = toy.random(M * N), toy.random(M * N)
  local file = toy.write({ w = values, y = other }, { w = { M, N }, y = { M, N } })
  local function norms(of, count, length, step, from)
    local found = {}
    for k = 1, count do
      local all = 0
      for i = 0, length - 1 do all = all + of[from(k) + i * step] ^ 2 end
      found[k] = math.sqrt(all)
    end
    return found
  end
  local R = norms(values, M, N, 1, function(k) return (k - 1) * N + 1 end)
  local C = norms(values, N, M, N, function(k) return k end)
  local function is(text, expected, tolerance)
    local found = toy.run('return recipe { "t", arg.model("m", "m"), arg.seed(), function(a)\n local x, y = a.m.w, a.m.y\n local r, c = x:norm{per = "row"}, x:norm{per = "column"}\n' ..
      "return { z = (" .. text .. "):unweighed() } end }", { m = file }).z
    assert(#found == #expected, text .. ": " .. #found .. " elements")
    for i, e in ipairs(expected) do assert(math.abs(found[i] - e) <= (tolerance or 1e-6) * math.max(1, math.abs(e)), ("%s, element %d: %g, expected %g"):format(text, i, found[i], e)) end
  end
  local function each(n, f)
    local found = {}
    for i = 1, n do found[i] = f(i) end
    return found
  end
  local function matrix(f) return each(M * N, function(k) return f((k - 1) // N + 1, (k - 1) % N + 1, k) end) end
  local function place(list)
    local sorted_list = sorted(list)
    return each(#list, function(i)
      for k, v in ipairs(sorted_list) do if v == list[i] then return (k - 1) / (#list - 1) end end
    end)
  end
  it("its own shape, T, slice, reshape, gather, join", function()
    is('r:T()', R)
    is('c:T()', C)
    is('r:slice{rows = {2, 5}}', table.move(R, 3, 5, 1, {}))
    is('c:slice{columns = {-2}}', table.move(C, N - 1, N, 1, {}))
    is('c:reshape{7}', C)
    is('r:gather{3, false, 0}', { R[4], 0, R[1] })
    is('join{c, c * c, along = "row"}', each(2 * N, function(i) return i <= N and C[i] or C[i - N] ^ 2 end))
    is('join{r, 2 * r, along = "column"}', each(2 * M, function(i) return R[(i + 1) // 2] * (2 - i % 2) end))
    is('x:norm{of = 7}:T()', R)
  end)
  it("functions of matrices", function()
    is('matmul(x, c:T())', each(M, function(i)
      local all = 0
      for j = 1, N do all = all + values[(i - 1) * N + j] * C[j] end
      return all
    end), 1e-5)
    is('matmul(r, c)', matrix(function(i, j) return R[i] * C[j] end), 1e-5)
    local before = 0
    is('c:cumulative()', each(N, function(j) before = before + C[j] return before end), 1e-5)
    is('join{c, c:square()}:T():slice{rows = {0, 2}}:diagonal()', { C[1], 0, 0, C[2] ^ 2 }, 1e-5)
  end)
  it("places, sums and choices among its values", function()
    is('c:rank()', place(C))
    is('r:rank()', place(R))
    is('c:rank{per = "row"}', place(C))
    is('r:rank{per = "column"}', place(R))
    local order = sorted(R)
    is('r:keep_top(0.4, {count = "exact"})', each(M, function(i) return R[i] > order[M - 3] and R[i] or 0 end))
    is('c:argmin{per = "row"}:T()', { (function() for j, v in ipairs(C) do if v == sorted(C)[1] then return j - 1 end end end)() })
    is('c:std{per = "row"}:T()', { math.sqrt(variance(C)) }, 1e-5)
    is('x * r:argmin()', each(M * N, function(k) return values[k] * (function() for i, v in ipairs(R) do if v == order[1] then return i - 1 end end end)() end))
  end)
  it("broadcast repeats a row or a column", function()
    local ok, why = pcall(is, 'x + constant(1, {1, 7})', {})
    assert(not ok and tostring(why):find("[9,7] and [1,7]; x:broadcast{9, 7} repeats the smaller one", 1, true), tostring(why))
    is('c:broadcast{3, 7}', each(3 * N, function(k) return C[(k - 1) % N + 1] end))
    is('r:broadcast{9, 2}', each(2 * M, function(k) return R[(k - 1) // 2 + 1] end))
    is('y + c:rank():broadcast{9, 7}', matrix(function(_, j, k) return other[k] + place(C)[j] end))
    is('x:slice{rows = {4, 5}}:broadcast{9, 7}', matrix(function(_, j) return values[4 * N + j] end))
  end)
  it("scales rows and columns of any tensor that has as many, and never the others", function()
    is('y:T():scale_columns(r)', each(M * N, function(k) return other[(k - 1) % M * N + (k - 1) // M + 1] * R[(k - 1) % M + 1] end))
    is('y:T():scale_rows(c)', each(M * N, function(k) return other[(k - 1) % M * N + (k - 1) // M + 1] * C[(k - 1) // M + 1] end))
    is('y:scale_columns(c:rank())', matrix(function(_, j, k) return other[k] * place(C)[j] end))
    is('y:scale_rows(r:rank())', matrix(function(i, _, k) return other[k] * place(R)[i] end))
    is('matmul(x, x:T()):scale_rows(matmul(x, x:T()):norm{per = "column"})', each(M * M, function(k)
      local function g(i, j)
        local all = 0
        for n = 1, N do all = all + values[(i - 1) * N + n] * values[(j - 1) * N + n] end
        return all
      end
      local i, j, all = (k - 1) // M + 1, (k - 1) % M + 1, 0
      for p = 1, M do all = all + g(p, i) ^ 2 end
      return g(i, j) * math.sqrt(all)
    end), 1e-4)
    for _, text in ipairs { "x:scale_rows(c)", "x:scale_columns(r)", "x:broadcast{3, 7}", "c:broadcast{7, 3}" } do assert(not pcall(is, text, {}), text) end
  end)
end)

describe("refused, with a reason", function()
  local function said(text)
    local ok, why = pcall(run, text)
    assert(not ok, text)
    return tostring(why)
  end
  local cases = {
    { 'x:norm{per="rows"}', "per = 'rows' is none of tensor, row, column, model" },
    { 'x:norm{per="tensor", of=4}', "'of' counts neighbours along a row" },
    { "x:norm{of=3.5}", "'of' is a whole number of neighbours from 1" },
    { "x:norm{of=7}", "rows of" },
    { 'x:norm{per="row"}:norm{per="row"} * x', "tensor 'cube' is [6,5,3,4] here and [6,5,3,1] in x" },
    { "x:keep_top(9, {of=4})", "a whole number from 0 to 4" },
    { 'x:argmax{per="model"}', "a model has none" },
  }
  for _, case in ipairs(cases) do it(case[1], function() assert(said(case[1]):find(case[2], 1, true), said(case[1])) end) end
  it("a vector over a tensor of another shape", function()
    local why = said 'x:map(function(t) return t * x["odd"]:norm{per="row"} end)'
    assert(why:find("a vector over a tensor [61,37] and a tensor", 1, true) and why:find("v:broadcast{rows, columns} makes it a tensor", 1, true), why)
  end)
end)
