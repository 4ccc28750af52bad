--- minimise{...}: gradients against finite differences of the same losses in plain Lua, steps against Adam written out, recipes that use it,
--- and what is refused.
package.path = "tests/spec/?.lua;" .. package.path
local toy, P, mw = require "toy", require "published", require "moonweld"

math.randomseed(41)
local M, N = 4, 6
local function random() return P.by_place(P.matrix(M, N, function() return 0 end), function() return toy.f32(math.random() * 2 - 1) end) end
local X, S, U = random(), random(), random()
local W = P.matrix(N, N, function() return toy.f32(math.random() * 2 - 1) end)
local shapes = { x = { M, N }, s = { M, N }, u = { M, N }, w = { N, N } }
local file = toy.write({ x = X, s = S, u = U, w = W }, shapes)

--- Runs a recipe whose body makes `out` from the tensors x, s, u, w.
local function run(body, options)
  local recipe = toy.text(".lua", "return recipe { 'Minimises.', arg.model('m', 'a model'), function(a) local x, s, u, w = a.m.x, a.m.s, a.m.u, a.m.w\n" ..
    body .. "\nreturn { out = out:unweighed() } end }")
  return toy.run(recipe, { m = file }, options).out
end
local function minimised(loss, more, options)
  return run(("local out = minimise{ start = x, loss = function(x) return %s end, steps = 1, rate = 1, optimizer = 'descent'%s }"):format(loss, more or ""), options)
end
local function error_of(body)
  local ok, wrong = pcall(run, body)
  assert.is_false(ok)
  return tostring(wrong)
end

local function total(x) return P.total(x) end
local function square(x) return P.zip(function(v) return v * v end, x) end
local function by_row(x, f)
  local sum = 0
  for i = 1, x.m do sum = sum + f(P.row(x, i), i) end
  return sum
end
local function reshaped(x, m, n) return P.matrix(m, n, function(i, j) return x[(i - 1) * n + j] end) end

-- A loss as a recipe writes it, and in plain Lua.
local LOSSES = {
  { "x:square():total()", function(x) return P.dot(x, x) end },
  { "x:dot(x) + 3 * x:dot(s)", function(x) return P.dot(x, x) + 3 * P.dot(x, S) end },
  { "(x - s):square():total() / s:square():total()", function(x) return P.dot(P.sub(x, S), P.sub(x, S)) / P.dot(S, S) end },
  { "matmul(x - s, s:T()):square():total()", function(x) return total(square(P.mm(P.sub(x, S), P.T(S)))) end },
  { "matmul(x:T(), s):square():total()", function(x) return total(square(P.mm(P.T(x), S))) end },
  { "matmul(x, x:T()):square():total()", function(x) return total(square(P.mm(x, P.T(x)))) end },
  { "matmul(matmul(x, w), s:T()):dot(matmul(x, u:T()))", function(x) return P.dot(P.mm(P.mm(x, W), P.T(S)), P.mm(x, P.T(U))) end },
  { "x:cosine(s) * x:norm()", function(x) return P.cosine(x, S) * P.norm(x) end },
  { "(x:norm() - 1) ^ 2 + x:dot(s):exp()", function(x) return (P.norm(x) - 1) ^ 2 + math.exp(P.dot(x, S)) end },
  { "(x:sigmoid() * s):total() + (x * u):tanh():total()", function(x)
    local sum = 0
    for i, v in ipairs(x) do
      local e = math.exp(-2 * v * U[i])
      sum = sum + S[i] / (1 + math.exp(-v)) + (1 - e) / (1 + e)
    end
    return sum
  end },
  { "x:norm{per = 'row'}:square():square():total()", function(x) return by_row(x, function(r) return P.dot(r, r) ^ 2 end) end },
  { "(x / x:norm{per = 'row'} * s):total()", function(x) return by_row(x, function(r, i) return P.dot(r, P.row(S, i)) / P.norm(r) end) end },
  { "x:total{per = 'row'}:square():total()", function(x) return by_row(x, function(r) return P.total(r) ^ 2 end) end },
  { "x:slice{rows = {1, 3}, columns = {2, 5}}:square():total()", function(x) return total(square(P.part(x, { 2, 3 }, { 3, 5 }))) end },
  { "matmul(join{x, s, along = 'column'}, join{x, u, along = 'column'}:T()):square():total()",
    function(x) return total(square(P.mm(P.beside { x, S }, P.T(P.beside { x, U })))) end },
  { "matmul(join{s, x}:T(), join{u, x}):total()", function(x) return total(P.mm(P.T(P.below { S, x }), P.below { U, x })) end },
  { "matmul(x:reshape{6, 4}, s):square():total()", function(x) return total(square(P.mm(reshaped(x, 6, 4), S))) end },
  { "(matmul(w, w:T()):scale_columns(x:slice{rows = {0, 1}}:reshape{6}) * w):total()", function(x)
    return P.dot(P.columns(P.mm(W, P.T(W)), P.row(x, 1)), W)
  end },
  { "(matmul(s, w):scale_rows(x:slice{columns = {0, 1}}:reshape{4}) * u):square():total()", function(x)
    return total(square(P.zip(function(a, b) return a * b end, P.rows(P.mm(S, W), P.column(x, 1)), U)))
  end },
  { "solve(matmul(w:T(), w) + constant(1, {6, 6}):diagonal(), x:T()):dot(s:T())", function(x)
    return P.dot(P.solve(P.add(P.mm(P.T(W), W), P.eye(6)), P.T(x)), P.T(S))
  end },
  { "solve(matmul(x, x:T()) + constant(1, {4, 4}):diagonal(), s):square():total()", function(x)
    return total(square(P.solve(P.add(P.mm(x, P.T(x)), P.eye(4)), S)))
  end },
  { "matmul(x, w):reshape{4, 6}:slice{columns = {0, 4}}:diagonal():total()", function(x)
    local sum, y = 0, P.mm(x, W)
    for i = 1, 4 do sum = sum + P.at(y, i, i) end
    return sum
  end },
  { "where(x:gt(s), x * u, s):total() + x:clamp(-0.5, 0.5):square():total() + x:abs():total()", function(x)
    local sum = 0
    for i, v in ipairs(x) do sum = sum + (v > S[i] and v * U[i] or S[i]) + P.clamp(v, -0.5, 0.5) ^ 2 + math.abs(v) end
    return sum
  end },
}

describe("minimise", function()
  for _, case in ipairs(LOSSES) do
    it("steps against the gradient of " .. case[1], function()
      local found, largest, worst, H = minimised(case[1]), 1e-3, 0, 1e-5
      for k = 1, #X do
        local x = P.zip(function(v) return v end, X)
        x[k] = X[k] + H
        local above = case[2](x)
        x[k] = X[k] - H
        local expected = (above - case[2](x)) / (2 * H)
        largest, worst = math.max(largest, math.abs(expected)), math.max(worst, math.abs(X[k] - found[k] - expected))
      end
      assert.is_true(worst < 2e-5 * largest, ("off by %g of %g"):format(worst, largest))
    end)
  end

  --- n steps of Adam from x on, with the gradient g(x).
  local function adam(x, g, n, rate)
    local m, v = P.times(0, x), P.times(0, x)
    for step = 1, n do
      local d = g(x)
      m = P.zip(function(a, b) return 0.9 * a + 0.1 * b end, m, d)
      v = P.zip(function(a, b) return 0.999 * a + 0.001 * b * b end, v, d)
      x = P.zip(function(a, p, q) return a - rate * p / (1 - 0.9 ^ step) / (math.sqrt(q / (1 - 0.999 ^ step)) + 1e-8) end, x, m, v)
    end
    return x
  end
  local function close(found, expected, tolerance)
    for i, v in ipairs(expected) do assert.near(v, found[i], tolerance) end
  end

  it("takes the steps of Adam", function()
    local expected = adam(X, function(x) return P.times(2, P.sub(x, S)) end, 25, 0.02)
    close(run "local out = minimise{ start = x, steps = 25, rate = 0.02, loss = function(x) return (x - s):square():total() end }", expected, 1e-5)
    assert.is_true(P.norm(P.sub(expected, S)) < P.norm(P.sub(X, S)))
    close(run "local out = minimise{ start = x, steps = 0, rate = 0.02, loss = function(x) return (x - s):square():total() end }", X, 0)
  end)
  it("takes steps with momentum", function()
    local x, m = X, P.times(0, X)
    for _ = 1, 6 do
      m = P.zip(function(a, v, t) return 0.9 * a + 2 * (v - t) end, m, x, S)
      x = P.sub(x, P.times(0.05, m))
    end
    close(run "local out = minimise{ start = x, steps = 6, rate = 0.05, optimizer = 'momentum', loss = function(x) return (x - s):square():total() end }", x, 1e-6)
  end)
  it("takes a rate that only the merge knows", function()
    close(run "local out = minimise{ start = x, steps = 3, rate = 0.1 / s:norm(), loss = function(x) return (x - s):square():total() end }",
      adam(X, function(x) return P.times(2, P.sub(x, S)) end, 3, 0.1 / P.norm(S)), 1e-6)
  end)
  it("goes where `direction` sends the gradient", function()
    local q, body = P.orthogonal(S), "local q = orthogonal(s)\nlocal out = minimise{ start = x, steps = 4, rate = 0.05, " ..
      "loss = function(x) return x:square():total() end, direction = function(g, x) return g - matmul(matmul(g, q:T()), q) + 0 * x end }"
    close(run(body), adam(X, function(x)
      local g = P.times(2, x)
      return P.sub(g, P.mm(P.mm(g, P.T(q)), q))
    end, 4, 0.05), 5e-6)
  end)
  it("gives a model's tensors each its own, those of a list one by one, the same for any number of threads", function()
    local recipe = toy.text(".lua", "return recipe { 'Minimises.', arg.models('m', 'models'), function(a) return mean(a.m):with(mean(minimise{ start = a.m:matrices(), steps = 9, rate = 0.1, " ..
      "loss = function(x) return matmul(x, x:T()):square():total() / a.m:matrices():norm() end })) end }")
    local one = toy.run(recipe, { m = P.first(2) }, { threads = 1 })
    local three = toy.run(recipe, { m = P.first(2) }, { threads = 3 })
    for name, values in pairs(one) do close(three[name], values, 0) end
    for _, name in ipairs { "model.layers.0.w", "model.layers.1.w" } do
      close(one[name], P.mean(P.map({ P.experts[1][name], P.experts[2][name] }, function(x)
        return adam(x, function(y) return P.times(4 / P.norm(x), P.mm(P.mm(y, P.T(y)), y)) end, 9, 0.1)
      end)), 1e-5)
    end
  end)
  it("says what it takes before anything is read", function()
    local recipe = toy.text(".lua", "return recipe { 'Minimises.', arg.model('m', 'a model'), arg('steps', 10, 'steps'), function(a) local x = a.m.x\n" ..
      "return { out = minimise{ start = x, steps = a.steps, rate = 1, loss = function(x) return matmul(x, a.m.w):dot(x) end }:unweighed() } end }")
    local function plan(steps) return mw.plan(recipe, { m = file, steps = steps }).matrices end
    local few, many = plan(10), plan(30)
    assert.equal(3 * few.flops, many.flops)
    assert.equal(few.memory, many.memory)
    assert.is_true(few.memory >= 4 * M * N * 4 and few.flops >= 10 * 2 * 2 * M * N * N)
  end)

  it("refuses what has no gradient, and what is no minimisation", function()
    local function refused(settings, expected)
      local wrong = error_of("local out = minimise{ " .. settings .. " }")
      assert.truthy(wrong:find(expected, 1, true), wrong)
    end
    local rest = ", steps = 2, rate = 1"
    refused("start = x, loss = function(x) return s:total() end" .. rest, "minimise's loss does not depend on x")
    refused("start = x, loss = function(x) return 3 end" .. rest, "minimise's loss does not depend on x")
    refused("start = x, loss = function(x) return x * x end" .. rest, "minimise's loss is one number for each tensor, not a tensor [4,6]; :total() gives one")
    refused("start = x, loss = function(x) local _, v = svd(x) return v:total() end" .. rest, "minimise's loss goes through 'SVD', which has no derivative here")
    refused("start = x, loss = function(x) return x:keep_top(0.5):total() end" .. rest, "of what minimise changes: it has no derivative there")
    refused("start = x, loss = function(x) return minimise{ start = s, steps = 1, rate = 1, loss = function(y) return y:dot(x) end }:total() end" .. rest,
      "minimise cannot be called within a loss")
    refused("start = x, losss = 1, loss = function(x) return x:total() end" .. rest, "minimise has no 'losss'")
    refused("start = 3, loss = function(x) return x:total() end" .. rest, "minimise's 'start' is a tensor, a model, or a list of them, not a number")
    refused("start = x, loss = 1" .. rest, "minimise's 'loss' is a function(x), not a number")
    refused("start = x, loss = function(x) return x:total() end, steps = 1, rate = 0", "minimise's 'rate' is a number above 0, not 0")
    refused("start = x, loss = function(x) return x:total() end, steps = 1", "minimise's 'rate' is a number above 0, plain or lazy, not nil")
    refused("start = x, loss = function(x) return x:total() end, rate = 1", "minimise's 'steps'")
    refused("start = x, loss = function(x) return x:total() end, optimizer = 'lion'" .. rest, "minimise's optimizer is 'adam', 'descent' or 'momentum', not 'lion'")
    refused("start = x, loss = function(x) return x:sqrt():total() end" .. rest, "minimise's gradient is not finite in step 1")
    local wrong = error_of "local kept\nlocal out = minimise{ start = x, loss = function(y) kept = y return y:total() end, steps = 2, rate = 1 } + kept"
    assert.truthy(wrong:find("which has a value only within its loss", 1, true), wrong)
    wrong = error_of("local kept\nlocal one = minimise{ start = x, loss = function(y) kept = y return y:total() end, steps = 2, rate = 1 }\n" ..
      "local out = minimise{ start = s, loss = function(y) return y:dot(kept) end, steps = 2, rate = 1 } + one")
    assert.truthy(wrong:find("two tensors that minimise changes are in one loss", 1, true), wrong)
  end)

  it("is wudi", function()
    P.is("wudi", { base = P.base_file, experts = P.first(3), steps = 12, rate = 2e-3 }, function(b, e)
      local t = P.taus(b, { e[1], e[2], e[3] })
      if b.m == 1 then return P.add(b, P.mean(t)) end
      return P.add(b, adam(P.sum(t), function(x)
        return P.sum(P.map(t, function(d) return P.times(2 / P.dot(d, d), P.mm(P.mm(P.sub(x, d), P.T(d)), d)) end))
      end, 12, 2e-3))
    end, nil, nil, 2e-5)
  end)
end)
