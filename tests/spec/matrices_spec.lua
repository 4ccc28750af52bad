--- Functions of whole matrices against naive loops in plain Lua: of tensors, models, lists and rows of matrices; in arithmetic, in
--- reductions and in one another; and what they refuse. tests/unit/test_matrix.c has the numerics, tests/peers numpy.
package.path = "tests/spec/?.lua;" .. package.path
local toy = require "toy"
local mw = require "moonweld"

math.randomseed(11)
local ROWS, COLUMNS = 9, 6
local X, Y, B = toy.random(ROWS * COLUMNS), toy.random(ROWS * COLUMNS), toy.random(5)
local SHAPES = { w = { ROWS, COLUMNS }, b = { 5 } }
local x, y = toy.write({ w = X, b = B }, SHAPES), toy.write({ w = Y, b = B }, SHAPES)

--- The tensors of `return` of a recipe over two models x and y.
local function run(text, options, models)
  return toy.run('return recipe { "A result.", arg.model("x", "a model"), arg.model("y", "a model"), function(a)\nlocal x, y = a.x, a.y\n'
    .. "local function is(t) return t:unweighed() end\n" .. text .. "\nend }", models or { x = x, y = y }, options)
end

--- One tensor of its own shape.
local function tensor(text, options) return run("return { r = is(" .. text .. ") }", options).r end

local function refused(text, what, models)
  local ok, message = pcall(run, text, nil, models)
  assert(not ok and tostring(message):find(what, 1, true), ok and "nothing was refused" or tostring(message))
end

local function near(found, expected, tolerance)
  assert.equal(#expected, #found)
  for i = 1, #expected do
    assert(math.abs(found[i] - expected[i]) <= tolerance, string.format("element %d: %.9g, expected %.9g", i, found[i], expected[i]))
  end
end

-- ---- naive ----

local function product(a, b, m, k, n)
  local c = {}
  for i = 0, m - 1 do
    for j = 1, n do
      local sum = 0
      for l = 1, k do sum = sum + a[i * k + l] * b[(l - 1) * n + j] end
      c[i * n + j] = sum
    end
  end
  return c
end

local function turned(a, m, n)
  local t = {}
  for i = 0, m - 1 do for j = 1, n do t[(j - 1) * m + i + 1] = a[i * n + j] end end
  return t
end

local function identity(n)
  local e = {}
  for i = 0, n * n - 1 do e[i + 1] = i % (n + 1) == 0 and 1 or 0 end
  return e
end

local function scaled(a, s, m, n)
  local r = {}
  for i = 1, m * n do r[i] = a[i] * s[(i - 1) % n + 1] end
  return r
end

local function map(a, f) local r = {} for i, v in ipairs(a) do r[i] = f(v, i) end return r end

-- ---- each function ----

describe("functions of matrices", function()
  it("matmul is the sum of products, of transposes too", function()
    near(tensor "matmul(x.w:T(), y.w)", product(turned(X, ROWS, COLUMNS), Y, COLUMNS, ROWS, COLUMNS), 1e-6)
    near(tensor "matmul(x.w, y.w:T())", product(X, turned(Y, ROWS, COLUMNS), ROWS, COLUMNS, ROWS), 1e-6)
  end)
  it("T turns what is computed", function()
    near(tensor "(x.w - 2 * y.w):T()", turned(map(X, function(v, i) return v - 2 * Y[i] end), ROWS, COLUMNS), 3e-7)
  end)
  it("svd gives u s v with orthonormal vectors, falling values and signs", function()
    local r = run "local u, s, v = svd(x.w) return { u = is(u), s = is(s), v = is(v) }"
    near(product(scaled(r.u, r.s, ROWS, COLUMNS), r.v, ROWS, COLUMNS, COLUMNS), X, 1e-6)
    near(product(turned(r.u, ROWS, COLUMNS), r.u, COLUMNS, ROWS, COLUMNS), identity(COLUMNS), 1e-6)
    near(product(r.v, turned(r.v, COLUMNS, COLUMNS), COLUMNS, COLUMNS, COLUMNS), identity(COLUMNS), 1e-6)
    for j = 1, COLUMNS do
      assert(j == 1 or r.s[j] <= r.s[j - 1])
      local largest = 0
      for i = 0, ROWS - 1 do if math.abs(r.u[i * COLUMNS + j]) > math.abs(largest) then largest = r.u[i * COLUMNS + j] end end
      assert(largest > 0)
    end
  end)
  it("a rank, a share and an energy are the first of these", function()
    local all = run "local u, s, v = svd(x.w) return { u = is(u), s = is(s), v = is(v) }"
    for _, form in ipairs { "3", "3.0", "{ share = 0.5 }", "{ share = 0.6 }" } do
      local r = run("local u, s, v = svd(x.w, " .. form .. ") return { u = is(u), s = is(s), v = is(v) }")
      near(r.s, { all.s[1], all.s[2], all.s[3] }, 1e-6)
      near(r.v, table.move(all.v, 1, 3 * COLUMNS, 1, {}), 1e-6)
    end
    assert.equal(COLUMNS, #tensor "select(2, svd(x.w, 100))")
    local squares, sum = 0, 0
    for _, s in ipairs(all.s) do squares = squares + s * s end
    local expected = map(all.s, function(s)
      local kept = sum < 0.8 * squares
      sum = sum + s * s
      return kept and s or 0
    end)
    assert(expected[COLUMNS] == 0)
    near(tensor "select(2, svd(x.w, { energy = 0.8 }))", expected, 1e-6)
  end)
  it("low_rank is the product of these", function()
    for _, form in ipairs { "2", "{ share = 1 / 3 }" } do
      local r = run("local u, s, v = svd(x.w, 2) return { u = is(u), s = is(s), v = is(v), l = is(low_rank(x.w, " .. form .. ")) }")
      near(r.l, product(scaled(r.u, r.s, ROWS, 2), r.v, ROWS, 2, COLUMNS), 1e-6)
    end
    near(tensor "low_rank(x.w, { energy = 1 })", X, 1e-6)
  end)
  it("orthogonal is u v", function()
    local r = run "local u, s, v = svd(x.w) return { u = is(u), v = is(v), q = is(orthogonal(x.w)) }"
    near(r.q, product(r.u, r.v, ROWS, COLUMNS, COLUMNS), 2e-6)
  end)
  it("qr gives q r, upper triangular", function()
    local r = run "local q, r = qr(x.w) return { q = is(q), r = is(r) }"
    near(product(r.q, r.r, ROWS, COLUMNS, COLUMNS), X, 1e-6)
    for i = 0, COLUMNS - 1 do for j = 1, i do assert.equal(0, r.r[i * COLUMNS + j]) end end
  end)
  it("eigh gives e w e'", function()
    local gram = product(turned(X, ROWS, COLUMNS), X, COLUMNS, ROWS, COLUMNS)
    local r = run "local w, e = eigh(matmul(x.w:T(), x.w)) return { w = is(w), e = is(e) }"
    near(product(scaled(r.e, r.w, COLUMNS, COLUMNS), turned(r.e, COLUMNS, COLUMNS), COLUMNS, COLUMNS, COLUMNS), gram, 1e-5)
    for j = 2, COLUMNS do assert(r.w[j] >= r.w[j - 1]) end
  end)
  it("solve and pinv undo a product", function()
    local gram = "(matmul(x.w:T(), x.w))"
    near(tensor("solve(" .. gram .. ", matmul(" .. gram .. ", y.w:T()))"), turned(Y, ROWS, COLUMNS), 1e-4)
    near(tensor "matmul(pinv(x.w), x.w)", identity(COLUMNS), 1e-5)
  end)
  it("solve takes rows of numbers, lazy ones too, of each tensor where they are a model's", function()
    local xx, xy, yy, sx = 0, 0, 0, 0
    for i, v in ipairs(X) do xx, xy, yy, sx = xx + v * v, xy + v * Y[i], yy + Y[i] * Y[i], sx + v end
    local det = xx * yy - xy * xy
    local p, q = (sx * yy - 0.5 * xy) / det, (0.5 * xx - sx * xy) / det
    local wanted = map(X, function(v, i) return p * v + q * Y[i] end)
    local rows = "{{x.w:dot(x.w), x.w:dot(y.w)}, {x.w:dot(y.w), y.w:dot(y.w)}}, {x.w:total(), 0.5}"
    near(tensor("sum(solve(" .. rows .. ") * list{x.w, y.w})"), wanted, 1e-6)
    local r = run "local s = solve(dots{x:matrices(), y:matrices()}, {x:matrices():total(), 0.5}) return { r = is(sum(s * list{x:matrices(), y:matrices()}).w) }"
    near(r.r, wanted, 1e-6)
    near(tensor "solve({{2}}, {3})[1] * x.w", map(X, function(v) return 1.5 * v end), 1e-7)
  end)
  it("eigh and pinv take rows of numbers too", function()
    local r = run("local g = dots{x.w, y.w} local w, e = eigh(g) local p = pinv(g)\n" ..
      "return { w = is(w[1] * x.w), v = is(w[2] * x.w), d = is((e[1][1] * e[1][2] + e[2][1] * e[2][2]) * x.w), l = is((e[1][2]^2 + e[2][2]^2) * x.w), " ..
      "g = is((e[1][1]^2 * w[1] + e[1][2]^2 * w[2] - g[1][1]) * x.w), p = is((p[1][1] * g[1][2] + p[1][2] * g[2][2]) * x.w), q = is((p[1][1] * g[1][1] + p[1][2] * g[2][1]) * x.w) }")
    local xx, xy, yy = 0, 0, 0
    for i, v in ipairs(X) do xx, xy, yy = xx + v * v, xy + v * Y[i], yy + Y[i] * Y[i] end
    local middle, off = (xx + yy) / 2, math.sqrt((xx - yy) ^ 2 / 4 + xy * xy)
    near(r.w, map(X, function(v) return (middle - off) * v end), 1e-5)
    near(r.v, map(X, function(v) return (middle + off) * v end), 1e-5)
    for name, times in pairs { d = 0, l = 1, g = 0, p = 0, q = 1 } do near(r[name], map(X, function(v) return times * v end), 1e-5) end
    near(tensor "pinv({{2, 0}, {0, 0}})[1][1] * x.w", map(X, function(v) return 0.5 * v end), 1e-7)
  end)
  it("cumulative, diagonal, scale_rows, scale_columns, rank_max", function()
    near(tensor "x.w:cumulative()", map(X, function(_, i)
      local sum = 0
      for k = i - (i - 1) % COLUMNS, i do sum = sum + X[k] end
      return sum
    end), 1e-6)
    near(tensor "x.w:diagonal()", map(X, function(v, i) return (i - 1) // COLUMNS == (i - 1) % COLUMNS and v or 0 end), 0)
    local r = run "local u, s = svd(x.w) return { s = is(s), c = is(x.w:scale_columns(s)), r = is(x.w:T():scale_rows(s)) }"
    near(r.c, scaled(X, r.s, ROWS, COLUMNS), 1e-6)
    near(r.r, map(turned(X, ROWS, COLUMNS), function(v, i) return v * r.s[(i - 1) // ROWS + 1] end), 1e-6)
    near(tensor "x.b:scale_columns(x.b) + x.w:rank_max()", map(B, function(v) return v * v + COLUMNS end), 1e-6)
  end)
  it("assign is the permutation of the least cost", function()
    local cost = toy.write { w = { 4, 1, 3, 2, 0, 5, 3, 2, 2 } }
    local p = run("return { r = is(assign(x.w:reshape{3, 3})) }", nil, { x = cost, y = cost }).r
    assert.same({ 0, 1, 0, 1, 0, 0, 0, 0, 1 }, p)
  end)
end)

-- ---- where they stand ----

describe("their results", function()
  it("go into arithmetic, reductions and other functions", function()
    local r = run [[
      local q = orthogonal(x.w - y.w)
      return { r = is(y.w + (x.w - y.w):dot(q) / x.w:rank_max() * q), n = is(zeros{1} + q:norm()), m = is(matmul(q:T(), q)) }]]
    local d = run "local d = x.w - y.w local u, s, v = svd(d) return { u = is(u), s = is(s), v = is(v) }"
    local q, sum = product(d.u, d.v, ROWS, COLUMNS, COLUMNS), 0
    for _, s in ipairs(d.s) do sum = sum + s end
    near(r.r, map(Y, function(v, i) return v + sum / COLUMNS * q[i] end), 1e-5)
    near(r.n, { math.sqrt(COLUMNS) }, 1e-5)
    near(r.m, identity(COLUMNS), 1e-5)
  end)
  it("are selected from, and depend on selections", function()
    local r = run "local u = svd(x.w) local top = u:keep_top(0.5) return { t = is(top), g = is(matmul(top:T(), top)), u = is(u) }"
    local kept = 0
    for i, v in ipairs(r.t) do
      assert(v == 0 or v == r.u[i])
      kept = kept + (v ~= 0 and 1 or 0)
    end
    assert(kept == ROWS * COLUMNS // 2 or kept == ROWS * COLUMNS // 2 + 1)
    near(r.g, product(turned(r.t, ROWS, COLUMNS), r.t, COLUMNS, ROWS, COLUMNS), 1e-6)
  end)
  it("are models and lists, tensor by tensor", function()
    local r = run [[
      local u, s, v = svd(models{x, y}:matrices(), { share = 1 / 2 })
      local U, S, W = join{ u[1], u[2], along = "column" }, join{ s[1], s[2] }, join{ v[1], v[2], along = "row" }
      return x:with(matmul(U:scale_columns(S), W))]]
    near(r.b, B, 0)
    local each = run "return { x = is(low_rank(x.w, 3)), y = is(low_rank(y.w, 3)) }"
    near(r.w, map(each.x, function(v, i) return v + each.y[i] end), 1e-5)
    near(run("return x:rest():with(x:matrices(), { add = true })").w, X, 0)
  end)
  it("are those of each matrix of a bank", function()
    local r = run [[
      local bank = join{x.w, y.w}:reshape{2, 9, 6}
      local u, s, v = svd(bank, 4)
      return { p = is(matmul(u:scale_columns(s), v)), l = is(low_rank(bank, 4)), t = is(bank:T()), o = is(orthogonal(bank)),
        a = is(low_rank(x.w, 4)), b = is(low_rank(y.w, 4)), oy = is(orthogonal(y.w)) }]]
    local expected = table.move(r.b, 1, #r.b, #r.a + 1, table.move(r.a, 1, #r.a, 1, {}))
    near(r.p, expected, 1e-6)
    near(r.l, expected, 0)
    near(r.t, table.move(turned(Y, ROWS, COLUMNS), 1, ROWS * COLUMNS, ROWS * COLUMNS + 1, turned(X, ROWS, COLUMNS)), 0)
    near(table.move(r.o, ROWS * COLUMNS + 1, 2 * ROWS * COLUMNS, 1, {}), r.oy, 0)
  end)
  it("are the same for any number of threads", function()
    local large = toy.write({ w = toy.random(300 * 200) }, { w = { 300, 200 } })
    local results = {}
    for _, threads in ipairs { 1, 2, 5 } do
      local r = run("local u, s, v = svd(x.w, 6) return { u = is(u), o = is(orthogonal(x.w)), p = is(pinv(x.w)), s = is(s) }", { threads = threads },
        { x = large, y = large })
      results[#results + 1] = r
    end
    for i = 2, 3 do for name, values in pairs(results[1]) do assert.same(values, results[i][name]) end end
  end)
  it("of empty matrices are empty, or zeros", function()
    local none = toy.write({ w = {}, v = {} }, { w = { 0, 4 }, v = { 4, 0 } })
    local r = run("local u, s = svd(x.w) return { s = is(s), p = is(matmul(x.v, x.w)), o = is(orthogonal(x.w)) }", { allow = { "empty" } },
      { x = none, y = none })
    assert.equal(0, #(r.s or {}))
    near(r.p, map(identity(4), function() return 0 end), 0)
  end)
end)

describe("what they refuse", function()
  it("NaN, by the tensor's name, whatever --nonfinite says", function()
    local bad = toy.write({ w = map(X, function(v, i) return i == 4 and 0 / 0 or v end), b = B }, SHAPES)
    refused("return { r = is(orthogonal(x.w)) }", "tensor 'w': 1 of 54 values are NaN or infinite", { x = bad, y = y })
    local ok, message = pcall(run, "return { r = is(pinv(x.w)) }", { nonfinite = "keep" }, { x = bad, y = y })
    assert(not ok and tostring(message):find("tensor 'w'", 1, true))
    refused("return { r = is(orthogonal(x.w / (y.w - y.w))) }", "tensor 'w': what goes into a function of whole matrices")
  end)
  it("what has no solution, by the tensor's name", function()
    refused("return { r = is(solve(matmul(x.w, x.w:T()), y.w)) }", "tensor 'w': the matrix is singular")
    refused("return { r = is(eigh(x.w:slice{rows = {0, 6}})) }", "tensor 'w': eigh needs a symmetric matrix")
  end)
  it("sizes that do not fit, with the shapes", function()
    refused("return { r = matmul(x.w, y.w) }", "'matmul' of [9,6] and [9,6]: the first needs as many columns as the second has rows")
    refused("return { r = svd(x.b) }", "'svd' needs a matrix")
    refused("return { r = solve(x.w, y.w) }", "'solve' of [9,6]: a square matrix is needed")
    refused("return { r = solve({{1, 2}, {3, 4}}, {5}) }", "as many numbers on the right as there are rows, 2, not 1")
    refused("return { r = solve({{1, x.w}, {3, 4}}, {5, 6}) }", "a matrix that is written as a list of rows has numbers, not a tensor")
    refused("return { r = eigh({{1, 2}, {3}}) }", "eigh of numbers takes as many in each row as there are rows, eigh{{a, b}, {c, d}}: of 2 rows row 2 has 1")
    refused("return { r = solve({{1, 2}, {2, 4}}, {x.w:total(), 6})[1] * x.w }", "the matrix is singular")
    refused("return { r = x.w:scale_rows(x.b) }", "'scale_rows' of [9,6] and [5]: one number for each row is needed")
    refused("return { r = svd(x.w, 0) }", "a rank is a whole number from 1 on")
    refused("return { r = svd(x.w, { share = 2 }) }", "'share' of a rank is a plain number above 0, up to 1, not 2")
    refused("return { r = svd(x.w, 2, 3) }", "this is written u, s, v = svd(x[, rank])")
  end)
  it("what is beyond the machine, with the numbers, before anything is written", function()
    refused("return { r = is(zeros{1} + orthogonal(constant(1, {3000000, 2000000})):norm()) }", "bytes of memory are needed for functions of whole matrices")
  end)
  it("learning through them", function()
    local found, message = pcall(mw.merge, toy.text(".lua", [[return recipe { "L.", arg.model("base", "b"), arg.calibration(), function(a)
      local low = a.base:with(low_rank(a.base:matrices(), 2))
      local function loss(c, batch) return cross_entropy(logits(c * low, batch[1]), batch[1]) end
      return learn { start = a.base:tensors(1), loss = loss, data = a.data, steps = 1, windows = 1 } * a.base end }]]),
      { base = "tests/data/pico/base" }, { data = { "tests/data/pico/data/kjv.calibration.safetensors" }, output = toy.path "-out" })
    assert(not found and tostring(message):find("what is learned reads no functions of whole matrices", 1, true), tostring(message))
  end)
end)
