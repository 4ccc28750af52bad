--- The recipes that merge by angles, medians, masks and ranks, each against its formula in plain Lua, in doubles.
package.path = "tests/spec/?.lua;" .. package.path
local toy = require "toy"
local f32 = toy.f32

math.randomseed(23)
local SHAPES = { ["model.layers.0.w"] = { 12, 20 }, ["model.layers.1.w"] = { 7, 33 }, ["model.norm.weight"] = { 25 } }
local function each(f)
  local made = {}
  for name, shape in pairs(SHAPES) do
    made[name] = {}
    for i = 1, shape[1] * (shape[2] or 1) do made[name][i] = f(name, i) end
  end
  return made
end

local base = each(function() return f32(math.random() * 2 - 1) end)
--- Experts that agree in part; of sparse ones an element stays with probability 0.7.
local function expert(scale, sparse)
  return each(function(name, i)
    if sparse and math.random() < 0.7 then return base[name][i] end
    return f32(base[name][i] + (math.sin(7 * i) + math.random() * 2 - 1) * scale)
  end)
end
local experts, sparse = { expert(0.02), expert(0.03), expert(0.05) }, { expert(0.05, true), expert(0.05, true) }
local files, sparse_files, base_file = {}, {}, toy.write(base, SHAPES)
for i, e in ipairs(experts) do files[i] = toy.write(e, SHAPES) end
for i, e in ipairs(sparse) do sparse_files[i] = toy.write(e, SHAPES) end

-- ---- vectors in plain Lua ----

local function map(x, f) local y = {} for i, v in ipairs(x) do y[i] = f(v, i) end return y end
local function dot(x, y) local s = 0 for i, v in ipairs(x) do s = s + v * y[i] end return s end
local function norm(x) return math.sqrt(dot(x, x)) end
local function minus(x, y) return map(x, function(v, i) return v - y[i] end) end
local function rounded_minus(x, y) return map(x, function(v, i) return f32(v - y[i]) end) end
local function combined(weights, vectors)
  return map(vectors[1], function(_, i)
    local s = 0
    for k, x in ipairs(vectors) do s = s + weights[k] * x[i] end
    return s
  end)
end
local function sum(vectors) local ones = {} for k in ipairs(vectors) do ones[k] = 1 end return combined(ones, vectors) end
local function mean(vectors) return map(sum(vectors), function(v) return v / #vectors end) end
local function clamp(v, low, high) return math.max(low, math.min(high, v)) end
local function sign(v) return v > 0 and 1 or v < 0 and -1 or 0 end
--- Indices by falling magnitude, of equal ones the lower first.
local function by_size(x)
  local order = {}
  for i in ipairs(x) do order[i] = i end
  table.sort(order, function(i, j) local a, b = math.abs(x[i]), math.abs(x[j]) return a > b or (a == b and i < j) end)
  return order
end

--- The same of every row: f(rows of the vectors) gives a row.
local function by_row(name, vectors, f)
  local n, result = SHAPES[name][2] or SHAPES[name][1], {}
  for first = 0, #vectors[1] - 1, n do
    local rows = {}
    for k, x in ipairs(vectors) do rows[k] = table.move(x, first + 1, first + n, 1, {}) end
    for i, v in ipairs(f(rows)) do result[first + i] = v end
  end
  return result
end

--- Checks every tensor of what the recipe makes; `share` of its elements may differ (a choice at the edge of f32).
local function is(recipe, arguments, expected, share)
  local found = toy.run(recipe, arguments)
  for name in pairs(SHAPES) do
    local own, of = base[name], {}
    for k, e in ipairs(arguments.experts == sparse_files and sparse or experts) do of[k] = e[name] end
    local e, wrong = expected(own, of, name), 0
    for i, v in ipairs(found[name]) do
      local near = math.abs(v - e[i]) <= 3e-6 * math.max(1, math.abs(e[i])) -- false of NaN
      if not near then wrong = wrong + 1 end
    end
    assert(#found[name] == #e and wrong <= (share or 0) * #e, ("%s: %d of %d elements of %s differ"):format(recipe, wrong, #e, name))
  end
end

local function taus(b, es) return map(es, function(e) return minus(e, b) end) end
local function plus(b, x) return map(b, function(v, i) return v + x[i] end) end

describe("by angles", function()
  local function slerp(x, y, t)
    local c = clamp(dot(x, y) / math.max(norm(x), 1e-7) / math.max(norm(y), 1e-7), -1, 1)
    if 1 - c * c <= 1e-16 then return combined({ 1 - t, t }, { x, y }) end
    local angle = math.acos(c)
    return combined({ math.sin((1 - t) * angle) / math.sin(angle), math.sin(t * angle) / math.sin(angle) }, { x, y })
  end
  it("nuslerp of models and of task vectors, by tensor and by row", function()
    local two = { files[1], files[2] }
    is("nuslerp", { models = two, weight = { 1, 3 } }, function(_, e) return slerp(e[1], e[2], 0.75) end)
    is("nuslerp", { models = two, base = base_file, weight = { 1, 3 } }, function(b, e) return plus(b, slerp(minus(e[1], b), minus(e[2], b), 0.75)) end)
    is("nuslerp", { models = two, weight = { 1, 3 }, per = "row" }, function(_, e, name)
      return by_row(name, { e[1], e[2] }, function(rows) return slerp(rows[1], rows[2], 0.75) end)
    end)
    is("nuslerp", { models = two, weight = { 1, 3 }, per = "column" }, function(_, e, name)
      local n, rows, result = SHAPES[name][2], SHAPES[name][1], {}
      if not n then return slerp(e[1], e[2], 0.75) end
      for c = 1, n do
        local x, y = {}, {}
        for r = 1, rows do x[r], y[r] = e[1][(r - 1) * n + c], e[2][(r - 1) * n + c] end
        for r, v in ipairs(slerp(x, y, 0.75)) do result[(r - 1) * n + c] = v end
      end
      return result
    end)
    is("nuslerp", { models = two, weight = { 1, -1 } }, function(_, e) return slerp(e[1], e[2], 0.5) end)
  end)
  it("multislerp", function()
    local function barycentre(vs)
      local w, units, length = { 1 / 6, 2 / 6, 3 / 6 }, map(vs, function(v) return map(v, function(c) return c / norm(v) end) end), 0
      local m = combined(w, units)
      for k, v in ipairs(vs) do length = length + w[k] * norm(v) end
      return map(m, function(v) return v / norm(m) * length end)
    end
    is("multislerp", { models = files, weight = { 1, 2, 3 } }, function(_, e) return barycentre(e) end)
    is("multislerp", { models = files, base = base_file, weight = { 1, 2, 3 } }, function(b, e) return plus(b, barycentre(taus(b, e))) end)
    is("multislerp", { models = { files[2] } }, function(_, e) return e[2] end)
  end)
  it("karcher that begins with the first direction, where the mean is shorter than tol, and moves by no angle below", function()
    is("karcher", { models = files, tol = 1 }, function(_, es)
      local lengths = map(es, norm)
      return map(es[1], function(v) return v * (lengths[1] + lengths[2] + lengths[3]) / 3 / lengths[1] end)
    end)
  end)
  it("karcher", function()
    is("karcher", { models = files }, function(_, es)
      local lengths = map(es, norm)
      local units = map(es, function(e, k) return map(e, function(v) return v / lengths[k] end) end)
      local u = mean(units)
      local size = norm(u)
      u = map(u, function(v) return v / size end)
      for _ = 1, 10 do
        local parts = map(units, function(x)
          local c = clamp(dot(x, u), -1, 1)
          local angle = math.acos(c)
          local turn = angle < 1e-5 and 0 or angle / math.sin(angle)
          return map(x, function(v, i) return turn * (v - c * u[i]) end)
        end)
        local T = mean(parts)
        local n = norm(T)
        if n < 1e-5 then break end
        u = map(u, function(v, i) return math.cos(n) * v + math.sin(n) / n * T[i] end)
        size = norm(u)
        u = map(u, function(v) return v / size end)
      end
      local length = (lengths[1] + lengths[2] + lengths[3]) / 3
      return map(u, function(v) return v * length end)
    end)
  end)
  it("model_stock by tensor and by row", function()
    local function stock(ds)
      local c, pairs_of = 0, 0
      for i = 1, #ds do for j = i + 1, #ds do
        c, pairs_of = c + clamp(dot(ds[i], ds[j]) / math.max(norm(ds[i]) * norm(ds[j]), 1e-6), -1, 1), pairs_of + 1
      end end
      c = c / pairs_of
      local t = #ds * c / (1 + (#ds - 1) * c)
      return map(mean(ds), function(v) return t * v end)
    end
    is("model_stock", { base = base_file, experts = files }, function(b, e) return plus(b, stock(taus(b, e))) end)
    is("model_stock", { base = base_file, experts = files, per = "row" }, function(b, e, name) return plus(b, by_row(name, taus(b, e), stock)) end)
  end)
  it("geometric_median", function()
    is("geometric_median", { models = files, steps = 12 }, function(_, es)
      local m = mean(es)
      for _ = 1, 12 do
        local w, all = {}, 0
        for k, e in ipairs(es) do
          w[k] = 1 / math.max(norm(minus(e, m)), 1e-6)
          all = all + w[k]
        end
        m = combined(map(w, function(v) return v / all end), es)
      end
      return m
    end)
  end)
end)

describe("element by element", function()
  it("linear, wise_ft and expo", function()
    is("linear", { models = files, weight = { 1, 2, 1 } }, function(_, e) return combined({ 0.25, 0.5, 0.25 }, e) end)
    is("wise_ft", { base = base_file, tuned = files[2], alpha = 0.3 }, function(b, e) return combined({ 0.7, 0.3 }, { b, e[2] }) end)
    is("expo", { sft = files[1], aligned = files[2], alpha = 0.4 }, function(_, e) return combined({ -0.4, 1.4 }, { e[1], e[2] }) end)
  end)
  it("nearswap", function()
    is("nearswap", { a = files[1], b = files[2], t = 0.01 }, function(_, e)
      return map(e[1], function(v, i)
        local s = clamp(0.01 / math.max(math.abs(v - e[2][i]), 1e-6), 0, 1)
        return (1 - s) * v + s * e[2][i]
      end)
    end)
  end)
  it("lines", function()
    is("lines", { base = base_file, experts = files }, function(b, e, name)
      local scale = name == "model.layers.0.w" and 0.2 or 1.0
      return plus(b, map(sum(taus(b, e)), function(v) return scale * v end))
    end)
  end)
  it("magmax", function()
    is("magmax", { base = base_file, experts = files }, function(b, e)
      local ds = taus(b, e)
      return map(b, function(v, i)
        local most = ds[1][i]
        for k = 2, #ds do if math.abs(ds[k][i]) >= math.abs(most) then most = ds[k][i] end end
        return v + 0.5 * most
      end)
    end)
  end)
  it("consensus_ta", function()
    is("consensus_ta", { base = base_file, experts = files }, function(b, e)
      local ds = taus(b, e)
      local all = sum(ds)
      return map(b, function(v, i)
        local votes = 0
        for _, d in ipairs(ds) do if math.abs(d[i]) >= 0.4 * math.abs(all[i] - d[i]) then votes = votes + 1 end end
        return votes >= 2 and v + 0.3 * all[i] or v
      end)
    end, 0.01)
  end)
  it("ram and ramplus", function()
    for _, r in ipairs { 0, 0.1 } do
      is("ram", { base = base_file, experts = sparse_files, r = r }, function(b, e)
        local ds, shared, unique = { rounded_minus(e[1], b), rounded_minus(e[2], b) }, { 0, 0 }, { 0, 0 }
        local function moved(k, i) return math.abs(ds[k][i]) > 1e-5 end
        for i in ipairs(b) do
          for k = 1, 2 do
            if moved(k, i) then
              local count = moved(3 - k, i) and shared or unique
              count[k] = count[k] + 1
            end
          end
        end
        return map(b, function(v, i)
          if moved(1, i) and moved(2, i) then return v + (ds[1][i] + ds[2][i]) / 2 end
          for k = 1, 2 do if moved(k, i) then return v + ds[k][i] * (1 + r * clamp(shared[k] / math.max(unique[k], 1e-5), 0, 0.2)) end end
          return v
        end)
      end)
    end
  end)
  it("emr, unified and of a task", function()
    local function unified(ds)
      local all = sum(ds)
      local s = map(all, function(v) return v > 0 and 1 or -1 end)
      return map(all, function(_, i)
        local most = 0
        for _, d in ipairs(ds) do if d[i] * s[i] > 0 then most = math.max(most, math.abs(d[i])) end end
        return most * s[i]
      end), s
    end
    is("emr", { base = base_file, experts = files }, function(b, e) return plus(b, (unified(taus(b, e)))) end, 0.01)
    local own, masked = 0, 0
    for name in pairs(SHAPES) do
      local ds = taus(base[name], { experts[1][name], experts[2][name], experts[3][name] })
      local u, s = unified(ds)
      for i, v in ipairs(ds[2]) do
        own = own + math.abs(v)
        if v * s[i] > 0 then masked = masked + math.abs(u[i]) end
      end
    end
    is("emr", { base = base_file, experts = files, task = 2 }, function(b, e)
      local ds = taus(b, e)
      local u, s = unified(ds)
      return map(b, function(v, i) return ds[2][i] * s[i] > 0 and v + own / masked * u[i] or v end)
    end, 0.01)
  end)
  it("pcb", function()
    local count, low, high, scores, least, most = 3, {}, {}, {}, {}, {}
    local names = { "model.layers.0.w", "model.layers.1.w", "model.norm.weight" }
    local ds = map(experts, function(e) local d = {} for _, n in ipairs(names) do d[n] = minus(e[n], base[n]) end return d end)
    for k, d in ipairs(ds) do
      low[k], high[k] = math.huge, 0
      for _, n in ipairs(names) do for _, v in ipairs(d[n]) do low[k], high[k] = math.min(low[k], math.abs(v)), math.max(high[k], math.abs(v)) end end
    end
    for k, d in ipairs(ds) do
      local all = {}
      scores[k] = {}
      for _, n in ipairs(names) do
        local together = sum { ds[1][n], ds[2][n], ds[3][n] }
        scores[k][n] = map(d[n], function(v, i)
          local unit, x = (math.abs(v) - low[k]) / (high[k] - low[k]), v * together[i]
          local e = math.exp(2 * x)
          all[#all + 1] = math.exp(count * unit ^ 2) * (e - 1) / (e + 1)
          return all[#all]
        end)
      end
      table.sort(all)
      least[k], most[k] = all[1 + math.floor(0.9 * (#all - 1))], all[#all]
    end
    is("pcb", { base = base_file, experts = files }, function(b, _, n)
      return map(b, function(v, i)
        local up, down = 0, 0
        for k = 1, 3 do
          local s = (math.max(scores[k][n][i], least[k]) - least[k]) / (most[k] - least[k])
          up, down = up + s * ds[k][n][i], down + s
        end
        return v + up / math.max(down, 1e-12)
      end)
    end, 0.02)
  end)
end)

describe("by rank", function()
  --- Adds weighted task vectors, or what agrees with the elected sign.
  local function added(b, kept, elect, normalize)
    local all = sum(kept)
    return map(b, function(v, i)
      local s, weight = 0, 0
      for k, x in ipairs(kept) do
        local agrees = not elect or sign(x[i]) == (all[i] >= 0 and 1 or -1)
        if agrees then s, weight = s + x[i], weight + k end
      end
      return v + (normalize and (weight ~= 0 and s / weight or 0) or s)
    end)
  end
  it("breadcrumbs, with and without elected signs; fewer outliers go where too few elements would stay", function()
    for _, elect in ipairs { false, true } do
      for _, share in ipairs { { 0.6, 0.1, true }, { 0.6, 0.1, false }, { 0.83, 0.35, false } } do
        local density, gamma, normalize = table.unpack(share)
        is("breadcrumbs", { base = base_file, experts = files, weight = { 1, 2, 3 }, density = density, gamma = gamma, elect = elect, normalize = normalize }, function(b, e)
          local kept = map(e, function(x, k)
            local d = rounded_minus(x, b)
            local order, n = by_size(d), #d
            local left, count = map(d, function() return 0 end), math.floor(density * n)
            local outliers = math.min(math.floor(gamma * n), n - count)
            for place = outliers + 1, outliers + count do left[order[place]] = k * d[order[place]] end
            return left
          end)
          return added(b, kept, elect, normalize)
        end)
      end
    end
  end)
  it("sce", function()
    for _, topk in ipairs { 1, 0.3, 0.7, 0.9, 0 } do
      is("sce", { base = base_file, experts = files, topk = topk }, function(b, e)
        local ds = map(e, function(x) return rounded_minus(x, b) end)
        if topk < 1 then
          local spread = map(b, function(_, i)
            local m = f32(f32(f32(ds[1][i] + ds[2][i]) + ds[3][i]) / 3)
            local s = 0
            for k, d in ipairs(ds) do local x = f32(d[i] - m) s = k == 1 and f32(x * x) or f32(s + f32(x * x)) end
            return f32(s / 3)
          end)
          local order, keeps, count = by_size(spread), {}, 0
          for _, v in ipairs(spread) do if v ~= 0 then count = count + 1 end end
          for place = 1, math.floor(f32(f32(topk) * count)) do keeps[order[place]] = true end
          ds = map(ds, function(d) return map(d, function(v, i) return keeps[i] and v or 0 end) end)
        end
        local all, energies, total = sum(ds), map(ds, function(d) return dot(d, d) / #d end), 0
        for _, v in ipairs(energies) do total = total + v end
        return map(b, function(v, i)
          local up, down = 0, 0
          for k, d in ipairs(ds) do
            local w = total < 1e-6 and 1 / 3 or energies[k] / total
            if sign(d[i]) == (all[i] >= 0 and 1 or -1) then up, down = up + w * d[i], down + w end
          end
          return v + up / math.max(down, 1e-6)
        end)
      end, 0.01)
    end
  end)
  it("arcee_fusion", function()
    is("arcee_fusion", { base = base_file, model = files[3] }, function(b, e, name)
      local matters = by_row(name, { e[3], b }, function(rows)
        local function softmax(x)
          local s, m = 0, math.max(table.unpack(x))
          for _, v in ipairs(x) do s = s + math.exp(v - m) end
          return map(x, function(v) return math.exp(v - m) / s + 1e-8 end)
        end
        local p, q, divergence = softmax(rows[1]), softmax(rows[2]), 0
        for i in ipairs(p) do divergence = divergence + p[i] * math.log(p[i] / q[i]) end
        return map(rows[1], function(v, i) return math.abs(v - rows[2][i]) * divergence end)
      end)
      local order = table.move(matters, 1, #matters, 1, {})
      table.sort(order)
      local function at(f) return order[1 + math.floor(f * (#order - 1))] end
      local threshold = at(0.5) + 1.5 * (at(0.75) - at(0.25))
      return map(b, function(v, i) return matters[i] >= threshold and e[3][i] or v end)
    end, 0.01)
  end)
  it("della keeps the larger of a row more often, all at density 1, none at 0", function()
    is("della_linear", { base = base_file, experts = files, density = 1 }, function(b, e) return plus(b, sum(taus(b, e))) end)
    is("della_linear", { base = base_file, experts = files, density = 0 }, function(b) return b end)
    is("della", { base = base_file, experts = files, density = 1 }, function(b, e)
      local ds = taus(b, e)
      local all = sum(ds)
      return map(b, function(v, i)
        local s, count = 0, 0
        for _, d in ipairs(ds) do if sign(d[i]) == (all[i] >= 0 and 1 or -1) then s, count = s + d[i], count + 1 end end
        return v + s / math.max(count, 1)
      end)
    end, 0.01)
    local kept, many = { 0, 0 }, { 0, 0 }
    for seed = 1, 12 do
      local found = toy.run("della_linear", { base = base_file, experts = { files[3] }, density = 0.5, epsilon = 0.4, rescale = false }, { seed = seed })
      for name, shape in pairs(SHAPES) do
        local n, d = shape[2] or shape[1], minus(experts[3][name], base[name])
        for first = 0, #d - 1, n do
          for place, i in ipairs(by_size(table.move(d, first + 1, first + n, 1, {}))) do
            local half = place <= n / 2 and 1 or 2
            many[half] = many[half] + 1
            if found[name][first + i] ~= base[name][first + i] then kept[half] = kept[half] + 1 end
          end
        end
      end
    end
    assert(math.abs(kept[1] / many[1] - 0.7) < 0.04 and math.abs(kept[2] / many[2] - 0.3) < 0.04, kept[1] / many[1] .. " " .. kept[2] / many[2])
  end)
  it("della keeps with rescale, where two passes need the draws, what it keeps without, where one does", function()
    for seed = 1, 4 do
      local function drawn(rescale)
        return toy.run("della_linear", { base = base_file, experts = { files[2] }, density = 0.5, epsilon = 0.3, rescale = rescale }, { seed = seed })
      end
      local plain, scaled = drawn(false), drawn(true)
      for name in pairs(SHAPES) do
        local all, left, d = 0, 0, minus(experts[2][name], base[name])
        for i = 1, #d do
          all = all + math.abs(d[i])
          if plain[name][i] ~= base[name][i] then left = left + math.abs(d[i]) end
        end
        for i = 1, #d do
          local change = plain[name][i] ~= base[name][i] and d[i] * all / left or 0
          assert(math.abs(scaled[name][i] - base[name][i] - change) <= 0.02 * (1 + math.abs(change)), name .. " " .. i)
        end
      end
    end
  end)
end)
