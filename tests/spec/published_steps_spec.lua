--- Published methods that take steps (objectives without data, halvings, filters), as recipes in tests/methods, against plain loops.
package.path = "tests/spec/?.lua;" .. package.path
local toy, P = require "toy", require "published"
local map, sum, mean, mm, T = P.map, P.sum, P.mean, P.mm, P.T
local add, sub, times, zip = P.add, P.sub, P.times, P.zip
local X3 = { base = P.base_file, experts = P.first(3) }
local function with(more)
  local all = {}
  for _, t in ipairs { X3, more } do for k, v in pairs(t) do all[k] = v end end
  return all
end
local function three(b, e) return P.taus(b, { e[1], e[2], e[3] }) end
local function product(x, y) return zip(function(a, c) return a * c end, x, y) end

--- n steps of Adam from x on, with the gradient g(x).
local function adam(x, g, n, rate)
  local m, v = times(0, x), times(0, x)
  for step = 1, n do
    local d = g(x)
    m = zip(function(a, b) return 0.9 * a + 0.1 * b end, m, d)
    v = zip(function(a, b) return 0.999 * a + 0.001 * b * b end, v, d)
    x = zip(function(a, p, q) return a - rate * p / (1 - 0.9 ^ step) / (math.sqrt(q / (1 - 0.999 ^ step)) + 1e-8) end, x, m, v)
  end
  return x
end
--- The first k singular values and vectors.
local function lead(x, k)
  local u, s, v = P.svd(x)
  return P.part(u, nil, { 1, k }), table.move(s, 1, k, 1, {}), P.part(v, { 1, k })
end
--- The gradient of f by central differences.
local function slope(f, x)
  local h = 1e-6
  return zip(function(v, i)
    x[i] = v + h
    local above = f(x)
    x[i] = v - h
    local below = f(x)
    x[i] = v
    return (above - below) / (2 * h)
  end, zip(function(v) return v end, x))
end

describe("published methods of steps:", function()
  it("OptMerge", function()
    P.is("optmerge", with { steps = 8, rate = 0.02 }, function(b, e)
      local t = three(b, e)
      if b.m == 1 then return add(b, mean(t)) end
      local k, x, m = math.min(b.m, b.n) // 3, mean(t), times(0, b)
      local low, right = {}, {}
      for i, d in ipairs(t) do
        local u, s, v = lead(d, k)
        low[i], right[i] = mm(P.columns(u, s), v), P.rows(v, s)
      end
      for _ = 1, 8 do
        local g = sum(map(t, function(d, i) return times(2 / P.dot(d, d), mm(mm(sub(x, low[i]), T(right[i])), right[i])) end))
        m = add(times(0.9, m), g)
        x = sub(x, times(0.02, m))
      end
      return add(b, x)
    end, nil, nil, 2e-5)
  end)
  it("DOGE-TA", function()
    local deltas = {}
    for name, shape in pairs(P.shapes) do
      local b = P.base[name]
      local t = three(b, map(P.experts, function(x) return x[name] end))
      local w = map(t, function(d) return 0.07 / P.norm(d) end)
      deltas[name] = { t = t, w = w, delta = times(0, b) }
      if shape[2] then
        local k = math.min(b.m, b.n)
        local all = P.beside(map(t, function(d) return (lead(d, k // 3)) end))
        local shared = lead(all, math.min(all.m, all.n) // 2)
        local function loss(x)
          local merged, total = sum(map(t, function(d, i) return add(times(w[i], d), times(w[i], x)) end)), 0
          for _, d in ipairs(t) do
            local expression = product(d, sub(d, merged))
            for i = 1, b.m do total = total + P.total(P.row(expression, i)) ^ 2 end
          end
          return total
        end
        deltas[name].delta = adam(times(0, b), function(x)
          local g = slope(loss, x)
          return sub(g, mm(shared, mm(T(shared), g)))
        end, 2, 0.01)
      end
    end
    -- the largest of each task vector, of the whole model
    local limits = {}
    for i = 1, 3 do
      local values = {}
      for _, d in pairs(deltas) do for _, v in ipairs(d.t[i]) do values[#values + 1] = math.abs(v) end end
      table.sort(values, function(p, q) return p > q end)
      limits[i] = values[math.floor(0.4 * #values)]
    end
    P.is("doge_ta", with { subspace = 2, density = 0.4, steps = 2, rate = 0.01 }, function(b, _, name)
      local d = deltas[name]
      return add(b, sum(map(d.t, function(t, i) return zip(function(v, x) return math.abs(v) >= limits[i] and d.w[i] * (v + x) or 0 end, t, d.delta) end)))
    end, 0.02, nil, 1e-4)
  end)
  it("DoP", function()
    P.is("dop", with { alpha = 0.7, steps = 5, rate = 0.01 }, function(b, e)
      local merged = e[1]
      for i = 2, 3 do
        local both, start = { merged, e[i] }, mean { merged, e[i] }
        if b.m == 1 then merged = start else
          local spaces = map(both, function(x)
            local u, s, v = P.svd(sub(x, b))
            local squares = map(s, function(value) return value ^ 2 end)
            return { mm(P.columns(u, squares), T(u)), mm(T(v), P.rows(v, squares)) }
          end)
          merged = adam(start, function(x)
            return sum(map(both, function(w, k)
              local d = sub(x, w)
              return times(2 * (k == 1 and 0.7 or 0.3), add(mm(spaces[k][1], d), mm(d, spaces[k][2])))
            end))
          end, 5, 0.01)
        end
      end
      return merged
    end, nil, nil, 1e-4)
  end)
  it("AWD", function()
    P.is("awd", with { steps = 2, rate = 0.01, scale = 0.5, alpha = 0.7 }, function(b, e)
      local t = three(b, e)
      local delta = adam(mean(t), function(x)
        return slope(function(y)
          local similar = 0
          for i = 1, 3 do for j = 1, 3 do if i ~= j then similar = similar + math.abs(P.cosine(sub(t[i], y), sub(t[j], y))) end end end
          return similar / 6 + 0.7 * P.norm(y)
        end, x)
      end, 2, 0.01)
      return add(b, times(0.5, sum(map(t, function(d) return sub(d, delta) end))))
    end, nil, nil, 1e-4)
  end)
  it("ResMerge", function()
    P.is("res_merge", with { rank = 2, budget = 0.4 }, function(b, e)
      local t = three(b, e)
      if b.m == 1 then return add(b, mean(t)) end
      local head = map(t, function(d) return P.spectrum(d, 1, 2) end)
      local rest = map(t, function(d, i) return sub(d, head[i]) end)
      local q = map(rest, function(x) return times(1 / P.norm(x), x) end)
      local source = times(1 / P.norm(sum(q)), sum(q))
      local coherence, similar, agreed, norms = 0, 0, 0, 0
      for i = 1, 3 do
        coherence, norms = coherence + P.cosine(q[i], source) / 3, norms + P.norm(rest[i]) / 3
        for j = i + 1, 3 do similar, agreed = similar + P.cosine(q[i], q[j]) / 3, agreed + math.max(0, P.cosine(head[i], head[j])) / 3 end
      end
      local beta = 1 - 0.5 * ((similar + 1) / 2 + (coherence + 1) / 2) / 2
      local backbone = coherence > 1 / math.sqrt(3) and times(coherence ^ beta * norms, source) or mean(rest)
      return add(b, add(backbone, times(0.4 * agreed * P.norm(backbone) / P.norm(mean(head)), mean(head))))
    end, nil, nil, 1e-5)
  end)
  it("TIES, reset by a share of the squared norm", function()
    local limits = {}
    for k = 1, 3 do
      local values, all, held = {}, 0, 0
      for name in pairs(P.shapes) do for _, v in ipairs(sub(P.experts[k][name], P.base[name])) do values[#values + 1], all = math.abs(v), all + v * v end end
      table.sort(values, function(p, q) return p > q end)
      for _, v in ipairs(values) do
        held = held + v * v
        limits[k] = v
        if held >= 0.6 * all then break end
      end
    end
    P.is("ties_energy", with { energy = 0.6 }, function(b, e)
      local kept = map(three(b, e), function(d, k) return zip(function(v) return math.abs(v) >= limits[k] and v or 0 end, d) end)
      return zip(function(v, i)
        local total, agreeing, n = 0, 0, 0
        for _, d in ipairs(kept) do total = total + d[i] end
        for _, d in ipairs(kept) do
          if d[i] ~= 0 and (d[i] > 0) == (total >= 0) then agreeing, n = agreeing + d[i], n + 1 end
        end
        return v + (n > 0 and agreeing / n or 0)
      end, b)
    end, 0.02)
  end)
  it("smoothAdd", function()
    local function mirrored(i, n)
      while i < 1 or i > n do i = i < 1 and 1 - i or 2 * n + 1 - i end
      return i
    end
    P.is("smooth_add", { a = P.files[1], b = P.files[2], c = P.files[3], alpha = 0.6 }, function(_, e)
      local d = sub(e[2], e[3])
      local high = d.m > 1 and 1 or 0
      local middle = P.by_place(d, function(_, i, j)
        local near = {}
        for p = -high, high do for q = -1, 1 do near[#near + 1] = P.at(d, mirrored(i + p, d.m), mirrored(j + q, d.n)) end end
        table.sort(near)
        return near[(#near + 1) // 2]
      end)
      local weights, all = {}, 0
      for k = -4, 4 do weights[k] = math.exp(-k * k / 2) all = all + weights[k] end
      local function blurred(x, down)
        return P.by_place(x, function(_, i, j)
          local total = 0
          for k = -4, 4 do total = total + weights[k] / all * (down and P.at(x, mirrored(i + k, x.m), j) or P.at(x, i, mirrored(j + k, x.n))) end
          return total
        end)
      end
      local smooth = blurred(middle, false)
      if d.m > 1 then smooth = blurred(smooth, true) end
      return add(e[1], times(0.6, smooth))
    end, nil, nil, 1e-5)
  end)
  it("RobustMerge", function()
    local files, factors, r = {}, {}, 3
    for k = 1, 2 do
      local shapes, tensors = {}, {}
      for name, shape in pairs(P.shapes) do
        local stem = shape[2] and name:match "^(.*)%.w$"
        if stem then
          for which, size in pairs { A = { r, shape[2] }, B = { shape[1], r } } do
            shapes[stem .. ".factor_" .. which] = size
            local x = P.matrix(size[1], size[2], function() return toy.f32(math.random() * 2 - 1) end)
            tensors[stem .. ".factor_" .. which], factors[k .. name .. which] = x, x
          end
        end
      end
      files[k] = toy.write(tensors, shapes)
    end
    local base = {}
    local shapes = {}
    for name, shape in pairs(P.shapes) do
      local renamed = shape[2] and name .. "eight" or name
      base[renamed], shapes[renamed] = P.base[name], shape
    end
    local found = toy.run("tests/methods/robust_merge.lua", { base = toy.write(base, shapes), adapters = files, density = 0.5, scale = 0.8 })
    for name, shape in pairs(P.shapes) do
      if shape[2] then
        local kept, s, all = {}, {}, {}
        for k = 1, 2 do
          local A, B = factors[k .. name .. "A"], factors[k .. name .. "B"]
          kept[k], s[k] = { A = P.top(A, #A // 2), B = P.top(B, #B // 2) }, {}
          for i = 1, r do
            local function size(v) return math.abs(v) end
            s[k][i] = P.total(P.row(A, i), size) / P.total(P.row(kept[k].A, i), size)
            all[i] = (all[i] or 0) + s[k][i]
          end
        end
        local delta = sum(map(kept, function(f, k) return mm(f.B, P.rows(f.A, map(s[k], function(v, i) return v / all[i] end))) end))
        for i, v in ipairs(P.base[name]) do assert.near(v + 0.8 * delta[i], found[name .. "eight"][i], 1e-5) end
      else
        for i, v in ipairs(P.base[name]) do assert.equal(v, found[name][i]) end
      end
    end
  end)
end)
