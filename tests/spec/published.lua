--- published.lua: what the specs of published methods share: a small family of models, matrices in plain Lua, and is(), which runs a recipe
-- of tests/methods (or one that ships) and compares every tensor with a formula. A tensor is an array with its rows `m` and columns `n`.
local toy = require "toy"
local P = {}

math.randomseed(31)
P.shapes = { ["model.layers.0.w"] = { 12, 16 }, ["model.layers.1.w"] = { 8, 24 }, ["model.norm.weight"] = { 16 } }

function P.each(f)
  local made = {}
  for name, shape in pairs(P.shapes) do
    made[name] = { m = shape[2] and shape[1] or 1, n = shape[2] or shape[1], name = name }
    for i = 1, made[name].m * made[name].n do made[name][i] = toy.f32(f(name, i)) end
  end
  return made
end

P.base = P.each(function() return math.random() * 2 - 1 end)
P.experts, P.files = {}, {}
for k = 1, 4 do
  P.experts[k] = P.each(function(name, i) return P.base[name][i] + (math.random() * 2 - 1) * 0.1 * k + math.sin(i) * 0.05 end)
  P.files[k] = toy.write(P.experts[k], P.shapes)
end
P.base_file = toy.write(P.base, P.shapes)
function P.first(n) return (table.move(P.files, 1, n, 1, {})) end

-- ---- element by element ----

--- f(x[i], y[i], ..., i) of tensors of one size.
function P.zip(f, x, ...)
  local others, made = { ... }, { m = x.m, n = x.n, name = x.name }
  local function row(i, k) if others[k] then return others[k][i], row(i, k + 1) end return i end
  for i, v in ipairs(x) do made[i] = f(v, row(i, 1)) end
  return made
end
function P.add(x, y) return P.zip(function(a, b) return a + b end, x, y) end
function P.sub(x, y) return P.zip(function(a, b) return a - b end, x, y) end
function P.times(k, x) return P.zip(function(a) return k * a end, x) end
function P.map(list, f)
  local made = {}
  for i, v in ipairs(list) do made[i] = f(v, i) end
  return made
end
function P.sum(list)
  local made = list[1]
  for i = 2, #list do made = P.add(made, list[i]) end
  return made
end
function P.mean(list) return P.times(1 / #list, P.sum(list)) end
function P.taus(b, e) return P.map(e, function(x) return P.sub(x, b) end) end
function P.dot(x, y) local s = 0 for i, v in ipairs(x) do s = s + v * y[i] end return s end
function P.norm(x) return math.sqrt(P.dot(x, x)) end
function P.total(x, f) local s = 0 for _, v in ipairs(x) do s = s + (f and f(v) or v) end return s end
function P.cosine(x, y) return P.dot(x, y) / (P.norm(x) * P.norm(y)) end
function P.sign(v) return v > 0 and 1 or v < 0 and -1 or 0 end
function P.clamp(v, low, high) return math.max(low, math.min(high, v)) end
function P.even(v)
  local low = math.floor(v)
  return v - low > 0.5 and low + 1 or v - low < 0.5 and low or low % 2 == 0 and low or low + 1
end

--- The k of largest magnitude; what ties goes to the lower index.
function P.top(x, k, score)
  local order, made = {}, P.zip(function() return 0 end, x)
  score = score or x
  for i in ipairs(x) do order[i] = i end
  table.sort(order, function(i, j)
    local a, b = math.abs(score[i]), math.abs(score[j])
    return a > b or a == b and i < j
  end)
  for r = 1, k do made[order[r]] = x[order[r]] end
  return made
end

-- ---- rows, columns, matrices ----

function P.matrix(m, n, f)
  local x = { m = m, n = n }
  for i = 1, m do for j = 1, n do x[#x + 1] = f(i, j) end end
  return x
end
function P.at(x, i, j) return x[(i - 1) * x.n + j] end
local at, matrix = P.at, P.matrix
function P.row(x, i) return (table.move(x, (i - 1) * x.n + 1, i * x.n, 1, {})) end
function P.column(x, j)
  local c = {}
  for i = 1, x.m do c[i] = at(x, i, j) end
  return c
end
--- f(v, i, j) of every element.
function P.by_place(x, f) return P.zip(function(v, k) return f(v, (k - 1) // x.n + 1, (k - 1) % x.n + 1) end, x) end
function P.T(x) return matrix(x.n, x.m, function(i, j) return at(x, j, i) end) end
function P.mm(a, b)
  return matrix(a.m, b.n, function(i, j)
    local s = 0
    for k = 1, a.n do s = s + at(a, i, k) * at(b, k, j) end
    return s
  end)
end
function P.part(x, rows, columns)
  local r, c = rows or { 1, x.m }, columns or { 1, x.n }
  return matrix(r[2] - r[1] + 1, c[2] - c[1] + 1, function(i, j) return at(x, i + r[1] - 1, j + c[1] - 1) end)
end
function P.beside(list)
  local n = 0
  for _, x in ipairs(list) do n = n + x.n end
  return matrix(list[1].m, n, function(i, j)
    for _, x in ipairs(list) do
      if j <= x.n then return at(x, i, j) end
      j = j - x.n
    end
  end)
end
function P.below(list) return P.T(P.beside(P.map(list, P.T))) end
function P.columns(x, s) return P.by_place(x, function(v, _, j) return v * s[j] end) end
function P.rows(x, s) return P.by_place(x, function(v, i) return v * s[i] end) end
function P.eye(n) return matrix(n, n, function(i, j) return i == j and 1 or 0 end) end

--- x with a x = b, by elimination with pivots.
function P.solve(a, b)
  local n, w = a.m, P.beside { a, b }
  for c = 1, n do
    local best = c
    for r = c + 1, n do if math.abs(at(w, r, c)) > math.abs(at(w, best, c)) then best = r end end
    for j = 1, w.n do
      local i, k = (c - 1) * w.n + j, (best - 1) * w.n + j
      w[i], w[k] = w[k], w[i]
    end
    for r = 1, n do
      local f = r ~= c and at(w, r, c) / at(w, c, c) or 0
      for j = c, f ~= 0 and w.n or 0 do w[(r - 1) * w.n + j] = at(w, r, j) - f * at(w, c, j) end
    end
  end
  return matrix(n, b.n, function(i, j) return at(w, i, n + j) / at(w, i, i) end)
end

--- u, s, v with u diag(s) v = x, by Jacobi's rotations: columns are turned until they are orthogonal. Of a wide x, of its transpose.
function P.svd(x)
  if x.m < x.n then
    local v, s, u = P.svd(P.T(x))
    return P.T(u), s, P.T(v)
  end
  local a, v = P.by_place(x, function(e) return e end), P.eye(x.n)
  for _ = 1, 40 do
    local off = 0
    for p = 1, x.n - 1 do
      for q = p + 1, x.n do
        local alpha, beta, gamma = 0, 0, 0
        for i = 1, x.m do alpha, beta, gamma = alpha + at(a, i, p) ^ 2, beta + at(a, i, q) ^ 2, gamma + at(a, i, p) * at(a, i, q) end
        off = math.max(off, math.abs(gamma))
        if math.abs(gamma) > 1e-18 then
          local zeta = (beta - alpha) / (2 * gamma)
          local t = (zeta < 0 and -1 or 1) / (math.abs(zeta) + math.sqrt(1 + zeta * zeta))
          local c = 1 / math.sqrt(1 + t * t)
          for _, w in ipairs { a, v } do
            for i = 1, w.m do
              local l, r = (i - 1) * w.n + p, (i - 1) * w.n + q
              w[l], w[r] = c * w[l] - c * t * w[r], c * t * w[l] + c * w[r]
            end
          end
        end
      end
    end
    if off < 1e-17 then break end
  end
  local order, s = {}, {}
  for j = 1, x.n do order[j] = { j, math.sqrt(P.dot(P.column(a, j), P.column(a, j))) } end
  table.sort(order, function(p, q) return p[2] > q[2] end)
  for j, o in ipairs(order) do s[j] = o[2] end
  return matrix(x.m, x.n, function(i, j) return s[j] > 0 and at(a, i, order[j][1]) / s[j] or 0 end), s,
    matrix(x.n, x.n, function(j, i) return at(v, i, order[j][1]) end)
end
--- Of these the values from `first` to `last`, put together again; their values through f.
function P.spectrum(x, first, last, f)
  local u, s, v = P.svd(x)
  last = math.min(last or #s, #s)
  local t = {}
  for j, value in ipairs(s) do t[j] = j >= first and j <= last and (f and f(value, j, s) or value) or 0 end
  local made = P.mm(P.columns(u, t), v)
  made.name = x.name
  return made
end
--- The nearest orthogonal matrix, U V', without directions that have no value.
function P.orthogonal(x) return P.spectrum(x, 1, nil, function(value, _, s) return value > 1e-6 * s[1] and 1 or 0 end) end

-- ---- checks ----

--- Runs a recipe and checks every tensor: expected(base, experts, name, all) where `all` are the models. `share` of a tensor's elements may
--- differ, f32 at the edge of a step; `tolerance` of the largest magnitude, 3e-6 by default.
function P.is(method, arguments, expected, share, options, tolerance)
  local file = io.open("tests/methods/" .. method .. ".lua")
  if file then file:close() end
  local found = toy.run(file and "tests/methods/" .. method .. ".lua" or method, arguments, options)
  for name in pairs(P.shapes) do
    local e = expected(P.base[name], P.map(P.experts, function(x) return x[name] end), name)
    local wrong, most, worst = 0, 1, 0
    for _, v in ipairs(e) do most = math.max(most, math.abs(v)) end
    for i, v in ipairs(found[name]) do
      local off = math.abs(v - e[i])
      if off ~= off or off > (tolerance or 3e-6) * most then wrong = wrong + 1 end
      worst = off ~= off and math.huge or math.max(worst, off)
    end
    assert(#found[name] == #e and wrong <= (share or 0) * #e, ("%s: %d of %d elements of %s differ, by up to %.3g"):format(method, wrong, #e, name, worst))
  end
end

--- The same of a method that treats matrices, each by f(base, experts, name); of the other tensors it makes rest(base, experts), the mean of
--- the experts by default.
function P.is_of_matrices(method, arguments, f, rest, options, tolerance)
  P.is(method, arguments, function(b, e, name)
    if b.m > 1 then return f(b, e, name) end
    return rest and rest(b, e) or P.mean(e)
  end, nil, options, tolerance)
end

return P
