--- Published methods that do not ship, as recipes in tests/methods, each against its formula in plain Lua: that the language says them.
package.path = "tests/spec/?.lua;" .. package.path
local toy = require "toy"

local P = require "published"
local SHAPES, base, experts, files, base_file = P.shapes, P.base, P.experts, P.files, P.base_file
local map, cosine, clamp, even, is = P.map, P.cosine, P.clamp, P.even, P.is
local function width(name) return SHAPES[name][2] or SHAPES[name][1] end

--- The column of element i.
local function column(x, i, n)
  local c = {}
  for k = (i - 1) % n + 1, #x, n do c[#c + 1] = x[k] end
  return c
end

describe("published methods", function()
  it("cosine A and B", function()
    for _, whole in ipairs { false, true } do
      is("cosine_a", { a = files[1], b = files[2], alpha = 0.1, whole = whole }, function(_, e, name)
        local n, all = width(name), cosine(e[1], e[2])
        return map(e[1], function(v, i)
          local c = cosine(column(e[1], i, n), column(e[2], i, n))
          if whole then c = (c + all) / 2 end
          local t = 1 - clamp(c - 0.1, 0, 1)
          return (1 - t) * v + t * e[2][i]
        end)
      end)
    end
  end)
  it("CABS", function()
    is("cabs", { base = base_file, experts = { files[1], files[2] }, n = 1, m = 4 }, function(b, e)
      local taken, result = {}, map(b, function(v) return v end)
      for k = 1, 2 do
        for first = 1, #b, 4 do
          local best, most = nil, 0
          for i = first, first + 3 do
            local d = toy.f32(e[k][i] - b[i])
            if not taken[i] and math.abs(d) > most then best, most = i, math.abs(d) end
          end
          taken[best] = true
          result[best] = result[best] + toy.f32(e[k][best] - b[best])
        end
      end
      return result
    end)
  end)
  it("round to nearest, in groups", function()
    is("rtn", { model = files[1], bits = 4, group = 8 }, function(_, e)
      local x = e[1]
      return map(x, function(v, i)
        local most, first = 0, (i - 1) // 8 * 8
        for k = first + 1, first + 8 do most = math.max(most, math.abs(x[k])) end
        return even(v / (most / 7)) * most / 7
      end)
    end, 0.01)
  end)
  it("Wanda", function()
    is("wanda", { model = files[1], norms = files[2], density = 0.25 }, function(_, e, name)
      local n, result = width(name), {}
      for first = 0, #e[1] - 1, n do
        local order = {}
        for i = 1, n do order[i] = i end
        local function score(i) return math.abs(e[1][first + i] * e[2][first + i]) end
        table.sort(order, function(i, j) return score(i) > score(j) end)
        for i = 1, n do result[first + i] = 0 end
        for k = 1, n // 4 do result[first + order[k]] = e[1][first + order[k]] end
      end
      return result
    end)
  end)
  it("tensor_sum", function()
    is("tensor_sum", { a = files[1], b = files[2] }, function(_, e, name)
      local rows, n = SHAPES[name][1], SHAPES[name][2] or 1
      return map(e[1], function(v, i)
        local row = (i - 1) // n
        return row >= rows // 4 and row < rows * 3 // 4 and e[2][i] or v
      end)
    end)
  end)
  it("median and trimmed mean", function()
    local function rising(e, i)
      local values = map(e, function(x) return x[i] end)
      table.sort(values)
      return values
    end
    is("trimmed_mean", { models = files }, function(b, e) return map(b, function(_, i) local s = rising(e, i) return (s[2] + s[3]) / 2 end) end)
    is("trimmed_mean", { models = { files[1], files[2], files[3] } }, function(b, e)
      return map(b, function(_, i) return rising({ e[1], e[2], e[3] }, i)[2] end)
    end)
    is("trimmed_mean", { models = files, trim = 1 }, function(b, e) return map(b, function(_, i) local s = rising(e, i) return (s[2] + s[3]) / 2 end) end)
  end)
  it("Krum", function()
    local scores, best = {}, 1
    for i = 1, 4 do
      local d = {}
      for j = 1, 4 do
        local s = 0
        for name in pairs(SHAPES) do for k, v in ipairs(experts[i][name]) do s = s + (v - experts[j][name][k]) ^ 2 end end
        if j ~= i then d[#d + 1] = s end
      end
      table.sort(d)
      scores[i] = d[1] + d[2]
      if scores[i] < scores[best] then best = i end
    end
    is("krum", { models = files }, function(_, e) return e[best] end)
  end)
  it("TVQ", function()
    is("tvq", { base = base_file, experts = { files[1], files[2] } }, function(b, e)
      local result = map(b, function(v) return v end)
      for k = 1, 2 do
        local d = map(b, function(v, i) return e[k][i] - v end)
        local low, high = math.min(table.unpack(d)), math.max(table.unpack(d))
        local step = (high - low) / 7
        for i, v in ipairs(d) do result[i] = result[i] + 0.3 * (low + step * even((v - low) / step)) end
      end
      return result
    end, 0.01)
  end)
  it("layer-aware task arithmetic", function()
    is("lata", { base = base_file, instruct = files[1], expert = files[2], threshold = 0.2 }, function(b, e)
      local tau, inst = map(b, function(v, i) return e[2][i] - v end), map(b, function(v, i) return e[1][i] - v end)
      local keeps = cosine(tau, inst) <= 0.2
      return map(e[1], function(v, i) return keeps and v + tau[i] or v end)
    end)
  end)
  it("random signs of columns: one expert alone comes back as it was, two interfere", function()
    is("rand_signs", { base = base_file, experts = { files[1] } }, function(_, e) return e[1] end)
    local found = toy.run("tests/methods/rand_signs.lua", { base = base_file, experts = { files[1], files[2] } }, { seed = 5 })
    for name in pairs(SHAPES) do
      local n, plus, minus = width(name), 0, 0
      for c = 1, n do -- of every column the other expert's delta came back with one sign
        local signs = {}
        for i = c, #base[name], n do
          local other = found[name][i] - experts[1][name][i]
          local tau = experts[2][name][i] - base[name][i]
          signs[math.abs(other - tau) < 1e-5 and "plus" or math.abs(other + tau) < 1e-5 and "minus" or "none"] = true
        end
        assert(not signs.none and not (signs.plus and signs.minus), name)
        if signs.plus then plus = plus + 1 else minus = minus + 1 end
      end
      assert(plus > 0 and minus > 0)
    end
  end)
end)
