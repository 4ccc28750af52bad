--- The recipes that take matrices apart (tsv_m, iso_c, knots_ties, extract_lora, lora_soup) against their papers' formulas in plain
--- Lua, with singular values by Jacobi's rotations, in doubles.
package.path = "tests/spec/?.lua;" .. package.path
local toy = require "toy"
local mw = require "moonweld"

math.randomseed(5)
local SHAPES = { ["model.layers.0.mlp.up_proj.weight"] = { 8, 6 }, ["model.layers.0.mlp.down_proj.weight"] = { 5, 9 }, ["model.norm.weight"] = { 7 } }
local NAMES = { "model.layers.0.mlp.down_proj.weight", "model.layers.0.mlp.up_proj.weight" }
local UP = NAMES[2]

local function random_model(scale, around)
  local tensors = {}
  for name, shape in pairs(SHAPES) do
    tensors[name] = toy.random(shape[1] * (shape[2] or 1), scale)
    for i, v in ipairs(around and around[name] or {}) do tensors[name][i] = toy.f32(v + tensors[name][i]) end
  end
  return tensors
end

local BASE = random_model(1)
local EXPERTS, FILES, CONFIG = {}, {}, '{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "num_hidden_layers": 1}'
local base = toy.model(BASE, SHAPES, CONFIG)
for t = 1, 3 do
  EXPERTS[t] = random_model(0.1, BASE)
  FILES[t] = toy.model(EXPERTS[t], SHAPES, CONFIG)
end

-- ---- naive matrices: { rows, columns, values } ----

local function matrix(m, n, f)
  local x = { m = m, n = n }
  for i = 1, m do for j = 1, n do x[(i - 1) * n + j] = f(i, j) end end
  return x
end
local function at(x, i, j) return x[(i - 1) * x.n + j] end
local function turned(x) return (matrix(x.n, x.m, function(i, j) return at(x, j, i) end)) end
local function product(a, b)
  return (matrix(a.m, b.n, function(i, j)
    local sum = 0
    for k = 1, a.n do sum = sum + at(a, i, k) * at(b, k, j) end
    return sum
  end))
end

--- u, s, v of a matrix that is not wider than it is high, by rotating its columns until they are orthogonal.
local function tall_svd(x)
  local a, v = matrix(x.m, x.n, function(i, j) return at(x, i, j) end), matrix(x.n, x.n, function(i, j) return i == j and 1 or 0 end)
  local function rotate(w, p, q, c, s)
    for i = 1, w.m do
      local l, r = at(w, i, p), at(w, i, q)
      w[(i - 1) * w.n + p], w[(i - 1) * w.n + q] = c * l - s * r, s * l + c * r
    end
  end
  for _ = 1, 60 do
    for p = 1, x.n - 1 do
      for q = p + 1, x.n do
        local alpha, beta, gamma = 0, 0, 0
        for i = 1, x.m do
          alpha, beta, gamma = alpha + at(a, i, p) ^ 2, beta + at(a, i, q) ^ 2, gamma + at(a, i, p) * at(a, i, q)
        end
        if math.abs(gamma) > 1e-18 then
          local zeta = (beta - alpha) / (2 * gamma)
          local t = (zeta < 0 and -1 or 1) / (math.abs(zeta) + math.sqrt(1 + zeta * zeta))
          local c = 1 / math.sqrt(1 + t * t)
          rotate(a, p, q, c, c * t)
          rotate(v, p, q, c, c * t)
        end
      end
    end
  end
  local order, norms = {}, {}
  for j = 1, x.n do
    local sum = 0
    for i = 1, x.m do sum = sum + at(a, i, j) ^ 2 end
    order[j], norms[j] = j, math.sqrt(sum)
  end
  table.sort(order, function(i, j) return norms[i] > norms[j] end)
  local s = {}
  for j, from in ipairs(order) do s[j] = norms[from] end
  return matrix(x.m, x.n, function(i, j) return at(a, i, order[j]) / s[j] end), s, matrix(x.n, x.n, function(j, i) return at(v, i, order[j]) end)
end

local function svd(x)
  if x.m >= x.n then return tall_svd(x) end
  local v, s, u = tall_svd(turned(x))
  return turned(u), s, turned(v)
end

local function first(u, s, v, k)
  return matrix(u.m, k, function(i, j) return at(u, i, j) end), table.move(s, 1, k, 1, {}), matrix(k, v.n, function(i, j) return at(v, i, j) end)
end
local function scaled(u, s) return (matrix(u.m, u.n, function(i, j) return at(u, i, j) * s[j] end)) end
local function orthogonal(x) local u, _, v = svd(x) return (product(u, v)) end

-- ---- models ----

local function delta(name, t)
  local shape = SHAPES[name]
  return (matrix(shape[1], shape[2], function(i, j)
    local at_it = (i - 1) * shape[2] + j
    return EXPERTS[t][name][at_it] - BASE[name][at_it]
  end))
end

--- The first k of what a change is made of.
local function low(name, t, k)
  local u, s, v = svd(delta(name, t))
  return first(u, s, v, k)
end

local function check(found, expected_of, scale)
  for _, name in ipairs(NAMES) do
    local expected = expected_of(name)
    for i, value in ipairs(found[name]) do
      local wanted = BASE[name][i] + scale * expected[i]
      assert(math.abs(value - wanted) < 2e-6, string.format("%s[%d]: %.9g, expected %.9g", name, i, value, wanted))
    end
  end
end

--- What is no matrix: the mean of the changes.
local function check_norm(found, scale)
  for i, value in ipairs(found["model.norm.weight"]) do
    local b, sum = BASE["model.norm.weight"][i], 0
    for t = 1, 3 do sum = sum + (EXPERTS[t]["model.norm.weight"][i] - b) / 3 end
    assert(math.abs(value - b - scale * sum) < 1e-6)
  end
end

describe("tsv_m", function()
  it("is the paper's formula", function()
    local found = toy.run("tsv_m", { base = base, experts = FILES, scale = 0.7 })
    check(found, function(name)
      local k = math.min(table.unpack(SHAPES[name])) // 3
      local us, ss, vs = {}, {}, {}
      for t = 1, 3 do us[t], ss[t], vs[t] = low(name, t, k) end
      local U = matrix(us[1].m, 3 * k, function(i, j) return at(us[(j - 1) // k + 1], i, (j - 1) % k + 1) end)
      local V = matrix(3 * k, vs[1].n, function(i, j) return at(vs[(i - 1) // k + 1], (i - 1) % k + 1, j) end)
      local S = {}
      for t = 1, 3 do for j = 1, k do S[#S + 1] = ss[t][j] end end
      return (product(scaled(orthogonal(U), S), orthogonal(V)))
    end, 0.7)
    check_norm(found, 0.7)
  end)
end)

describe("iso_c", function()
  it("is the paper's formula", function()
    local found = toy.run("iso_c", { base = base, experts = FILES, scale = 0.5 })
    check(found, function(name)
      local parts = { delta(name, 1), delta(name, 2), delta(name, 3) }
      local x = matrix(parts[1].m, parts[1].n, function(i, j) return at(parts[1], i, j) + at(parts[2], i, j) + at(parts[3], i, j) end)
      local u, s, v = svd(x)
      local mean = 0
      for _, value in ipairs(s) do mean = mean + value / #s end
      return (matrix(x.m, x.n, function(i, j)
        local sum = 0
        for k = 1, #s do sum = sum + at(u, i, k) * at(v, k, j) end
        return mean * sum
      end))
    end, 0.5)
    check_norm(found, 0.5)
  end)
end)

describe("knots_ties", function()
  it("is TIES on the V of the joined changes", function()
    local found = toy.run("knots_ties", { base = base, experts = FILES, density = 0.4 })
    check(found, function(name)
      local m, n = table.unpack(SHAPES[name])
      local parts = { delta(name, 1), delta(name, 2), delta(name, 3) }
      local u, s, v = svd(matrix(m, 3 * n, function(i, j) return at(parts[(j - 1) // n + 1], i, (j - 1) % n + 1) end))
      local kept = {}
      for t = 1, 3 do
        local own = matrix(v.m, n, function(i, j) return at(v, i, (t - 1) * n + j) end)
        local sorted, d = {}, v.m * n
        for i = 1, d do sorted[i] = math.abs(own[i]) end
        table.sort(sorted)
        local least = sorted[math.max(d - math.floor(d * 0.4), 1)]
        kept[t] = matrix(v.m, n, function(i, j) local x = at(own, i, j) return math.abs(x) >= least - 1e-12 and x or 0 end)
      end
      local merged = matrix(v.m, n, function(i, j)
        local sum, chosen, count = 0, 0, 0
        for t = 1, 3 do sum = sum + at(kept[t], i, j) end
        for t = 1, 3 do
          local x = at(kept[t], i, j)
          if x ~= 0 and (x > 0) == (sum >= 0) then chosen, count = chosen + x, count + 1 end
        end
        return count > 0 and chosen / count or 0
      end)
      return (product(scaled(u, s), merged))
    end, 1)
  end)
end)

-- ---- adapters ----

--- The model that `base+adapter` is, tensor by tensor.
local function added(adapter)
  local out = toy.path "-out"
  mw.merge("passthrough", { model = base .. "+" .. adapter }, { output = out })
  return toy.read(out .. "/model.safetensors")
end

local function extracted(options)
  local out = toy.path "-adapter"
  local given = { base = base, tuned = FILES[1] }
  for key, value in pairs(options) do given[key] = value end
  mw.merge("extract_lora", given, { output = out })
  return out
end

describe("extract_lora", function()
  it("at full rank, added again, is the fine-tune to 1e-6", function()
    local found = added(extracted { rank = 1000 })
    for _, name in ipairs(NAMES) do
      for i, value in ipairs(found[name]) do assert(math.abs(value - EXPERTS[1][name][i]) < 1e-6) end
    end
    assert.same(BASE["model.norm.weight"], found["model.norm.weight"])
  end)
  it("of a rank is the nearest change of that rank", function()
    check(added(extracted { rank = 2 }), function(name)
      local u, s, v = low(name, 1, 2)
      return (product(scaled(u, s), v))
    end, 1)
  end)
end)

describe("lora_soup", function()
  it("is the mean of the products, not of the factors", function()
    local adapters = {}
    for t = 1, 2 do adapters[t] = extracted { tuned = FILES[t], rank = 2 } end
    local out = toy.path "-adapter"
    mw.merge("lora_soup", { base = base, adapters = adapters, rank = 4 }, { output = out })
    local found, one, two = added(out), added(adapters[1]), added(adapters[2])
    for _, name in ipairs(NAMES) do
      for i, value in ipairs(found[name]) do assert(math.abs(value - (one[name][i] + two[name][i]) / 2) < 1e-6) end
    end
  end)
end)

describe("the energy of extract_lora", function()
  it("leaves out what a share of the squared norm does not need", function()
    local found = added(extracted { rank = 6, energy = 0.6 })
    local _, s = svd(delta(UP, 1))
    local all, sum, k = 0, 0, 0
    for _, value in ipairs(s) do all = all + value ^ 2 end
    while sum < 0.6 * all do k, sum = k + 1, sum + s[k + 1] ^ 2 end
    assert(k < 6)
    local u, kept, v = low(UP, 1, k)
    local x = product(scaled(u, kept), v)
    for i, value in ipairs(found[UP]) do assert(math.abs(value - BASE[UP][i] - x[i]) < 2e-6) end
  end)
end)
