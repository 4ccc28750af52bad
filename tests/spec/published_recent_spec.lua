--- Published methods of 2024 to 2026 that are on no list (tests/methods/README.md), as recipes in tests/methods, against plain loops.
package.path = "tests/spec/?.lua;" .. package.path
local toy, P = require "toy", require "published"
local map, sum, mean, taus, norm, dot = P.map, P.sum, P.mean, P.taus, P.norm, P.dot
local add, sub, times, zip, mm, at = P.add, P.sub, P.times, P.zip, P.mm, P.at
local files, base, X3 = P.files, P.base_file, { base = P.base_file, experts = P.first(3) }
local function with(more)
  local all = {}
  for _, t in ipairs { X3, more } do for k, v in pairs(t) do all[k] = v end end
  return all
end
local function three(b, e) return taus(b, { e[1], e[2], e[3] }) end

--- What ties leaves of a list: the mean of what is not 0 and has the sign of the sum.
local function disjoint(list)
  return zip(function(_, i)
    local s, n, votes = 0, 0, 0
    for _, x in ipairs(list) do votes = votes + x[i] end
    for _, x in ipairs(list) do
      if x[i] ~= 0 and P.sign(x[i]) == (votes > 0 and 1 or -1) then s, n = s + x[i], n + 1 end
    end
    return n > 0 and s / n or 0
  end, list[1])
end
local function l1(x) return P.total(x, math.abs) end
local function by_row(x, f) -- f(row, i) of each row
  local made = { m = x.m, n = x.n, name = x.name }
  for i = 1, x.m do for _, v in ipairs(f(P.row(x, i), i)) do made[#made + 1] = v end end
  return made
end
local function kept_of(x, density) return P.top(x, math.floor(density * #x)) end

describe("methods beside the list:", function()
  it("NeuroMerging", function()
    P.is_of_matrices("neuro_merging", with { density = 0.5, along = 0.3 }, function(b, e)
      local all, lost, along, across = 0, 0, {}, {}
      for k, t in ipairs(three(b, e)) do
        local kept = kept_of(t, 0.5)
        all, lost = all + l1(t), lost + l1(sub(t, kept))
        along[k] = by_row(kept, function(row, i)
          local w = P.row(b, i)
          local c = dot(row, w) / dot(w, w)
          return map(w, function(v) return c * v end)
        end)
        across[k] = sub(kept, along[k])
      end
      return add(b, add(times(0.3, disjoint(along)), times(1 / (1 - lost / all), disjoint(across))))
    end, function(b, e) return add(b, mean(three(b, e))) end)
  end)
  it("Decom-Renorm-Merge", function()
    P.is_of_matrices("drm", with { density = 0.5, scale = 0.7 }, function(b, e)
      local u, s, v = P.svd(P.beside(three(b, e)))
      local parts = {}
      for k = 1, 3 do
        local part = P.part(v, nil, { (k - 1) * b.n + 1, k * b.n })
        local lengths = {}
        for i = 1, part.m do lengths[i] = norm(P.row(part, i)) end
        local unit = kept_of(by_row(part, function(row, i) return map(row, function(x) return x / lengths[i] end) end), 0.5)
        parts[k] = by_row(unit, function(row, i) return map(row, function(x) return x * lengths[i] * s[i] end) end)
      end
      return add(b, times(0.7, mm(u, disjoint(parts))))
    end, function(b, e) return add(b, times(0.7, mean(three(b, e)))) end, nil, 1e-5)
  end)
  it("uncertainty-based gradient matching", function()
    local H0 = P.each(function() return math.random() end)
    local H = { P.each(function() return math.random() * 2 end), P.each(function() return math.random() end) }
    local function file(x) return toy.write(x, P.shapes) end
    P.is("gradient_matching", { base = base, experts = P.first(2), base_fisher = file(H0), fishers = { file(H[1]), file(H[2]) }, weight = { 0.6, 0.4 }, damping = 0.01 },
      function(b, e, name)
        return zip(function(v, i)
          local h0, all, s = H0[name][i] + 0.01, H0[name][i] + 0.01, 0
          for k = 1, 2 do all = all + ({ 0.6, 0.4 })[k] * H[k][name][i] end
          for k = 1, 2 do s = s + ({ 0.6, 0.4 })[k] * (h0 + H[k][name][i]) / all * (e[k][i] - v) end
          return v + s
        end, b)
      end)
  end)
  it("Nash bargaining", function()
    local G = {}
    for i = 1, 3 do
      G[i] = {}
      for j = 1, 3 do
        G[i][j] = 0
        for name in pairs(P.shapes) do
          G[i][j] = G[i][j] + dot(sub(P.experts[i][name], P.base[name]), sub(P.experts[j][name], P.base[name]))
        end
      end
    end
    local alpha = {}
    for i = 1, 3 do alpha[i] = 1 / math.sqrt(G[i][i]) end
    for _ = 1, 20 do
      alpha = map(alpha, function(v, i) return math.sqrt(v / (G[i][1] * alpha[1] + G[i][2] * alpha[2] + G[i][3] * alpha[3])) end)
    end
    P.is("nash", with { scale = 1.5 }, function(b, e)
      return add(b, times(1.5 / (alpha[1] + alpha[2] + alpha[3]), sum(map(three(b, e), function(t, i) return times(alpha[i], t) end))))
    end)
  end)
  it("gradient surgery on task vectors", function()
    P.is("tv_pcgrad", with { scale = 0.8 }, function(b, e)
      local t = three(b, e)
      return add(b, times(0.8, mean(map(t, function(own, i)
        for j = 1, 3 do
          local d = dot(own, t[j])
          if j ~= i and d < 0 then own = sub(own, times(d / dot(t[j], t[j]), t[j])) end
        end
        return own
      end))))
    end)
  end)
  it("K-LoRA", function()
    local c, s = 0, 0
    for name in pairs(P.shapes) do
      c, s = c + l1(sub(P.experts[1][name], P.base[name])), s + l1(sub(P.experts[3][name], P.base[name]))
    end
    for _, prefer in ipairs { 0.5, 1, 1.05, 2 } do
      P.is("k_lora", { base = base, content = files[1], style = files[3], k = 0.25, prefer = prefer }, function(b, e)
        local x, y = sub(e[1], b), sub(e[3], b)
        local k = math.floor(0.25 * #x)
        return l1(P.top(x, k)) >= prefer * c / s * l1(P.top(y, k)) and e[1] or e[3]
      end)
    end
  end)
  it("ChipAlign", function()
    P.is("chip_align", { chip = files[1], instruct = files[2], t = 0.6 }, function(_, e)
      local c, i = norm(e[1]), norm(e[2])
      local angle = math.acos(dot(e[1], e[2]) / c / i)
      local way = times(1 / math.sin(angle), add(times(math.sin(0.6 * angle) / c, e[1]), times(math.sin(0.4 * angle) / i, e[2])))
      return times(c ^ 0.6 * i ^ 0.4, way)
    end)
  end)
  it("DAREx-q", function()
    local found = toy.run("tests/methods/darex_q.lua", { base = base, tuned = files[1], drop = 0.6, q = 0.5 }, { seed = 3 })
    local kept, all = 0, 0
    for name in pairs(P.shapes) do
      for i, v in ipairs(found[name]) do
        local whole = (P.experts[1][name][i] - P.base[name][i]) / 0.5
        local dropped = v == P.base[name][i]
        assert(dropped or math.abs(v - P.base[name][i] - whole) < 1e-6)
        kept, all = kept + (dropped and 0 or 1), all + 1
      end
    end
    assert(math.abs(kept / all - 0.4) < 0.1)
  end)
  it("FR-Merging", function()
    --- What frequencies below the cut in both directions make, by the plain sums of the transform.
    local function low(x, cut)
      local made = times(0, x)
      for p = -cut + 1, cut - 1 do
        for q = -cut + 1, cut - 1 do
          local re, im = 0, 0
          for i = 0, x.m - 1 do
            for j = 0, x.n - 1 do
              local angle = 2 * math.pi * (p * i / x.m + q * j / x.n)
              re, im = re + at(x, i + 1, j + 1) * math.cos(angle), im - at(x, i + 1, j + 1) * math.sin(angle)
            end
          end
          made = P.by_place(made, function(v, i, j)
            local angle = 2 * math.pi * (p * (i - 1) / x.m + q * (j - 1) / x.n)
            return v + (re * math.cos(angle) - im * math.sin(angle)) / (x.m * x.n)
          end)
        end
      end
      return made
    end
    P.is_of_matrices("fr_merging", with { cut = 3, scale = 0.9 }, function(b, e)
      return add(b, times(0.9, mean(map(three(b, e), function(t) return sub(t, low(t, 3)) end))))
    end, function(b, e) return add(b, times(0.9, mean(three(b, e)))) end)
  end)
end)

-- The others of tests/methods/README.md's later list are held against numpy and torch (tests/peers/newer_check.py).
describe("methods beside the list, later:", function()
  local function sums(list, f) return zip(function(_, i) local s = 0 for k = 1, #list do s = s + f(k, i) end return s end, list[1]) end
  it("RankMean", function()
    P.is("rank_mean", with { scale = 0.6 }, function(b, e)
      local tau, rank, all = three(b, e), {}, 0
      for k, t in ipairs(tau) do
        rank[k] = 0
        for i, v in ipairs(t) do
          rank[k] = rank[k] + 1
          for _, u in ipairs(tau) do if math.abs(u[i]) < math.abs(v) then rank[k] = rank[k] + 1 end end
        end
        rank[k] = rank[k] / #t
        all = all + rank[k]
      end
      return add(b, sums(tau, function(k, i) return 0.6 * rank[k] / all * tau[k][i] end))
    end)
  end)
  it("T-Switch", function()
    P.is("t_switch", with { density = 0.25, scale = 0.7 }, function(b, e)
      local tau, switch, long = three(b, e), {}, {}
      for k, t in ipairs(tau) do
        switch[k] = map(kept_of(t, 0.25), P.sign)
        long[k] = norm(t) / norm(switch[k])
      end
      return add(b, sums(tau, function(k, i) return 0.7 * long[k] * switch[k][i] end))
    end)
  end)
  it("DO-Merging", function()
    P.is("do_merging", with {}, function(b, e)
      local tau = three(b, e)
      return add(b, by_row(tau[1], function(_, r)
        local made, length = map(P.row(tau[1], r), function() return 0 end), 0
        for _, t in ipairs(tau) do
          local row = P.row(t, r)
          length = length + norm(row) / #tau
          for i, v in ipairs(row) do made[i] = made[i] + v / norm(row) end
        end
        return times(length / norm(made), made)
      end))
    end)
  end)
  it("neural parameter search", function()
    P.is("nps", with { small = 0.1, middle = -0.5, large = 0.8 }, function(b, e)
      local tau = three(b, e)
      local large, upper = map(tau, function(t) return kept_of(t, 1 / 3) end), map(tau, function(t) return kept_of(t, 2 / 3) end)
      return add(b, sums(tau, function(k, i)
        local v = tau[k][i]
        return v * (large[k][i] ~= 0 and 0.8 or upper[k][i] ~= 0 and -0.5 or 0.1)
      end))
    end)
  end)
  it("WSM", function()
    P.is("wsm", { checkpoints = P.first(3), decay = "linear" }, function(_, e) return mean { e[1], e[2], e[3] } end)
  end)
end)
