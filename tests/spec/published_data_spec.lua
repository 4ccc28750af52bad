--- Published methods that need statistics of data or scores, as recipes in tests/methods, against their formulas in plain Lua. The
-- statistics themselves are asked for by recipes of their own; statistics_spec.lua holds them against plain forward passes.
package.path = "tests/spec/?.lua;" .. package.path
local toy, P, mw = require "toy", require "published", require "moonweld"

math.randomseed(17)
local H, INNER, VOCABULARY, LAYERS = 6, 5, 13, 2
local shapes = { ["model.embed_tokens.weight"] = { VOCABULARY, H }, ["lm_head.weight"] = { VOCABULARY, H }, ["model.norm.weight"] = { H } }
for l = 0, LAYERS - 1 do
  local here = "model.layers." .. l .. "."
  for name, shape in pairs { ["input_layernorm"] = { H }, ["post_attention_layernorm"] = { H }, ["self_attn.q_proj"] = { 8, H }, ["self_attn.k_proj"] = { 4, H },
    ["self_attn.v_proj"] = { 4, H }, ["self_attn.o_proj"] = { H, 8 }, ["mlp.gate_proj"] = { INNER, H }, ["mlp.up_proj"] = { INNER, H }, ["mlp.down_proj"] = { H, INNER } } do
    shapes[here .. name .. ".weight"] = shape
  end
end
local CONFIG = ('{"model_type": "llama", "vocab_size": %d, "hidden_size": %d, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 4, "intermediate_size": %d, ' ..
  '"num_hidden_layers": %d, "rms_norm_eps": 1e-5, "rope_theta": 100}'):format(VOCABULARY, H, INNER, LAYERS)

local function tensor(name, values)
  values.m, values.n, values.name = shapes[name][2] and shapes[name][1] or 1, shapes[name][2] or shapes[name][1], name
  return values
end
local function model(around, scale)
  local made = {}
  for name, shape in pairs(shapes) do
    made[name] = tensor(name, {})
    for i = 1, shape[1] * (shape[2] or 1) do made[name][i] = toy.f32((around and around[name][i] or shape[2] and 0 or 1) + (math.random() * 2 - 1) * scale) end
  end
  return made, toy.model(made, shapes, CONFIG)
end
local base, base_file = model(nil, 0.7)
local experts, files = {}, {}
for k = 1, 2 do experts[k], files[k] = model(base, 0.15) end
local data = { toy.text(".jsonl", "[1, 5, 3, 12, 0, 7, 7, 2]\n[4, 9, 11]\n"), toy.text(".jsonl", "[6, 2, 2, 8, 10]\n[3, 12, 1, 0, 9]\n") }
local X2 = { base = base_file, experts = files }

--- What a recipe's expression of model m and data d gives, tensor by tensor.
local function statistics(expression, file, which)
  local recipe = toy.text(".lua", "return recipe { 'Statistics.', arg.model('m', 'a model'), arg.calibration(), function(a) local m, d, out = a.m, a.data[1], {}\n" ..
    "local s = " .. expression .. "\nfor _, name in ipairs(s:names()) do out[name] = s[name]:unweighed() end return out end }")
  local out = toy.path ".safetensors"
  mw.merge(recipe, { m = file }, { data = { which }, dtype = "f32", output = out })
  return toy.read(out)
end
local function square(values)
  values.m = math.floor(math.sqrt(#values) + 0.5)
  values.n = values.m
  return values
end
local function grams(k)
  local g = statistics("gram(m, d)", files[k], data[k])
  for _, values in pairs(g) do square(values) end
  return g
end
local LOSS = "gradient(function(batch) return cross_entropy(logits(m, batch), batch) end, m, d)"

local function check(method, arguments, expected, options, tolerance)
  local all = { data = data, dtype = "f32" }
  if options and options.score then all.data = nil end
  for key, value in pairs(options or {}) do all[key] = value end
  local found = toy.run("tests/methods/" .. method .. ".lua", arguments, all)
  for name in pairs(shapes) do
    local e = expected(name)
    for i, v in ipairs(found[name]) do
      local off = math.abs(v - e[i])
      assert(off == off and off <= (tolerance or 1e-5) * math.max(1, math.abs(e[i])), ("%s[%d]: %.9g, expected %.9g"):format(name, i, v, e[i]))
    end
    assert.equal(#e, #found[name])
  end
end

describe("published methods of data:", function()
  local deltas = P.map(experts, function(x)
    local d = {}
    for name in pairs(shapes) do d[name] = P.sub(x[name], base[name]) end
    return d
  end)
  local function mean_delta(name) return P.mean { deltas[1][name], deltas[2][name] } end

  it("Wanda", function()
    local norms = statistics("inputs(m, d):norm { per = 'column' }", files[1], data[1])
    check("wanda_data", { model = files[1], density = 0.5 }, function(name)
      local x = experts[1][name]
      if not norms[name] then return x end
      local kept = {}
      for i = 1, x.m do
        local row = P.row(x, i)
        local best = P.top(row, x.n // 2, P.map(row, function(v, j) return v * norms[name][j] end))
        table.move(best, 1, x.n, #kept + 1, kept)
      end
      return kept
    end, { data = { data[1] } })
  end)
  it("LOT merging", function()
    local g = { grams(1), grams(2) }
    check("lot", { base = base_file, experts = files, scale = 0.8 }, function(name)
      local d = mean_delta(name)
      if g[1][name] then
        local rhs = P.add(P.mm(g[1][name], P.T(deltas[1][name])), P.mm(g[2][name], P.T(deltas[2][name])))
        d = P.T(P.solve(P.add(g[1][name], g[2][name]), rhs))
      end
      return P.add(base[name], P.times(0.8, d))
    end, nil, 2e-3) -- the grams of few tokens are of condition 1e4
  end)
  it("CAT merging", function()
    local g = { grams(1), grams(2) }
    check("cat_merging", X2, function(name)
      local sum_of = P.times(0, base[name])
      for k = 1, 2 do
        local x = deltas[k][name]
        if g[k][name] then
          local c = P.mm(P.mm(x, P.sub(g[3 - k][name], g[k][name])), P.T(x)) -- symmetric: its singular vectors, shifted to be positive
          local shift = P.norm(c)
          local u = P.svd(P.add(c, P.times(shift, P.eye(c.m))))
          local b = P.part(u, nil, { 1, 1 })
          x = P.sub(x, P.mm(b, P.mm(P.T(b), x)))
        end
        sum_of = P.add(sum_of, x)
      end
      return P.add(base[name], P.times(0.3, sum_of))
    end, nil, 1e-4)
  end)
  it("activation-informed merging", function()
    local size = statistics("inputs(m, d):map(function(x) return x:abs() end):mean { per = 'column' }", base_file, data[1])
    check("aim", { base = base_file, merged = files[1], omega = 0.3 }, function(name)
      if not size[name] then return experts[1][name] end
      local most = math.max(table.unpack(size[name]))
      return P.by_place(base[name], function(v, i, j) return v + P.at(deltas[1][name], i, j) * (1 - size[name][j] / most * 0.7) end)
    end, { data = { data[1] } })
  end)
  it("trust region by gradients", function()
    local g = { statistics(LOSS, base_file, data[1]), statistics(LOSS, base_file, data[2]) }
    local conflict, order = {}, {}
    for name in pairs(shapes) do
      conflict[name] = P.zip(function(x, y, u, v) return math.abs(u) * math.abs(y) + math.abs(v) * math.abs(x) end, deltas[1][name], deltas[2][name], g[1][name], g[2][name])
      table.move(conflict[name], 1, #conflict[name], #order + 1, order)
    end
    table.sort(order)
    local limit, off = order[math.floor(0.8 * (#order - 1)) + 1], 0
    local found = toy.run("tests/methods/trust_region_gradient.lua", { base = base_file, experts = files, quantile = 0.8 }, { data = data, dtype = "f32" })
    for name in pairs(shapes) do
      for i, v in ipairs(found[name]) do
        local wanted = base[name][i] + (conflict[name][i] < limit and 0.3 * (deltas[1][name][i] + deltas[2][name][i]) or 0)
        off = off + (math.abs(v - wanted) > 1e-5 and 1 or 0)
      end
    end
    assert(off <= 2, off) -- at the edge of the region
  end)
  it("gradient-sign masking", function()
    local g = statistics(LOSS, files[2], data[1])
    check("gradient_sign", { base = base_file, tuned = files[1], target = files[2], scale = 0.5 }, function(name)
      return P.zip(function(v, d, slope) return d * slope < 0 and v + 0.5 * d or v end, experts[2][name], deltas[1][name], g[name])
    end, { data = { data[1] } })
  end)
  it("Frank-Wolfe merging", function()
    local g = { statistics(LOSS, files[1], data[1]), statistics(LOSS, files[1], data[2]) }
    local along = { 0, 0 }
    for name in pairs(shapes) do
      local slope = P.mean { tensor(name, g[1][name]), tensor(name, g[2][name]) }
      for k = 1, 2 do along[k] = along[k] + P.cosine(slope, experts[k][name]) end
    end
    local chosen = experts[along[2] < along[1] and 2 or 1]
    check("frank_wolfe", { merged = files[1], experts = files, step = 3 }, function(name)
      return P.add(P.times(0.6, experts[1][name]), P.times(0.4, chosen[name]))
    end)
  end)
  it("RegMean++, a layer whose inputs come through the merged one before", function()
    local candidates = P.map(experts, function(x)
      local made = {}
      for name in pairs(shapes) do made[name] = name:find "layers%.0" and base[name] or x[name] end
      return made
    end)
    local g = P.map(candidates, function(x, k)
      local found = statistics("gram(m, d)", toy.model(x, shapes, CONFIG), data[k])
      for _, values in pairs(found) do square(values) end
      return found
    end)
    check("regmean_plus", { merged = base_file, experts = files, layer = 1, alpha = 0.5 }, function(name)
      if not name:find "layers%.1" then return base[name] end
      if not g[1][name] then return P.mean { experts[1][name], experts[2][name] } end
      local left, right = {}, {}
      for k = 1, 2 do
        left[k] = P.by_place(g[k][name], function(v, i, j) return i == j and v or v / 2 end)
        right[k] = P.mm(left[k], P.T(experts[k][name]))
      end
      return P.T(P.solve(P.sum(left), P.sum(right)))
    end, nil, 1e-3)
  end)
  it("masks that are learned: concrete subspace, localize and stitch", function()
    -- without a step a mask is a half everywhere, which its mean takes away; the sum of the task vectors is left
    check("concrete", { base = base_file, experts = files, steps = 0, scale = 0.3 }, function(name)
      return P.add(base[name], P.times(0.3, P.sum { deltas[1][name], deltas[2][name] }))
    end)
    -- a step of AdamW moves every logit by the rate, against the sign of its gradient: the gradient of the loss times the change
    local g = {}
    for k = 1, 2 do
      local half = {}
      for name in pairs(shapes) do half[name] = P.add(base[name], P.times(0.5, deltas[k][name])) end
      g[k] = statistics(LOSS, toy.model(half, shapes, CONFIG), data[k])
    end
    local off, all = 0, 0
    local found = toy.run("tests/methods/localize_trained.lua", { base = base_file, experts = files, steps = 1, windows = 2, sparsity = 0 },
      { data = { data[1], data[2] }, dtype = "f32" })
    for name in pairs(shapes) do
      for i, v in ipairs(found[name]) do
        local total, n = 0, 0
        for k = 1, 2 do
          local slope = g[k][name][i] * deltas[k][name][i]
          if slope < 0 then total, n = total + deltas[k][name][i], n + 1 end
        end
        all, off = all + 1, off + (math.abs(v - (base[name][i] + (n > 0 and total / n or 0))) > 1e-5 and 1 or 0)
      end
    end
    assert(off < 0.2 * all, off .. " of " .. all) -- windows weigh otherwise in a step's mean
  end)
  it("DF-Merge", function()
    local F = {}
    for k = 1, 2 do
      local scaled = {}
      for name in pairs(shapes) do scaled[name] = P.add(base[name], P.times(0.6, deltas[k][name])) end
      F[k] = statistics("fisher(m, d)", toy.model(scaled, shapes, CONFIG), data[k])
    end
    check("df_merge", { base = base_file, experts = files, scale = { 0.6, 0.6 } }, function(name)
      return P.zip(function(v, x, y, f, h)
        f, h = math.max(f, 1e-6), math.max(h, 1e-6)
        return v + 0.6 * (f * x + h * y) / (f + h)
      end, base[name], deltas[1][name], deltas[2][name], F[1][name], F[2][name])
    end, nil, 1e-3)
  end)
  it("Fisher mask nodes", function()
    local F = { statistics("fisher(m, d)", files[1], data[1]), statistics("fisher(m, d)", files[2], data[2]) }
    check("fisher_nodes", { experts = files }, function(name)
      local x, y, made = experts[1][name], experts[2][name], {}
      for i = 1, x.m do
        local f = P.map(F, function(v) return x.m > 1 and P.total(P.row(tensor(name, P.map(v[name], function(e) return math.max(e, 1e-6) end)), i)) / x.n end)
        for j = 1, x.n do
          local k = (i - 1) * x.n + j
          local u, w = f[1] or math.max(F[1][name][k], 1e-6), f[2] or math.max(F[2][name][k], 1e-6)
          made[k] = (u * x[k] + w * y[k]) / (u + w)
        end
      end
      return made
    end, nil, 1e-4)
  end)
  it("linear submodules", function()
    local g = { grams(1), grams(2) }
    check("submodule_linearity", { base = base_file, experts = files }, function(name)
      if not g[1][name] then return P.add(base[name], mean_delta(name)) end
      local function pair(i, j, t) return P.dot(P.mm(deltas[i][name], g[t][name]), deltas[j][name]) end
      local A, b = P.matrix(2, 2, function(i, j) return pair(i, j, 1) + pair(i, j, 2) end), P.matrix(2, 1, function(i) return pair(i, 1, 1) + pair(i, 2, 2) end)
      local alpha = P.solve(A, b)
      return P.add(base[name], P.add(P.times(alpha[1], deltas[1][name]), P.times(alpha[2], deltas[2][name])))
    end, nil, 1e-4)
  end)
  it("LED-Merging", function()
    local masks = {}
    for k = 1, 2 do
      local of_base, own = statistics(LOSS, base_file, data[k]), statistics(LOSS, files[k], data[k])
      masks[k] = {}
      for name in pairs(shapes) do
        local function located(x, slope)
          local score = P.zip(function(v, s) return math.abs(v * s) end, x[name], slope[name])
          return P.top(P.zip(function() return 1 end, score), math.floor(0.4 * #score), score)
        end
        local m = P.zip(function(x, y) return x * y end, located(base, of_base), located(experts[k], own))
        masks[k][name] = m
      end
    end
    check("led_merging", { base = base_file, experts = files, density = 0.4, scale = 0.7 }, function(name)
      return P.zip(function(v, x, y, m, n) return v + (m + n == 1 and 0.7 * (m * x + n * y) or 0) end, base[name], deltas[1][name], deltas[2][name], masks[1][name], masks[2][name])
    end)
  end)
  it("gossip: without steps the mean of its pairs; with steps something else", function()
    check("gossip", { base = base_file, experts = files, steps = 0 }, function(name) return P.add(base[name], P.times(0.6, mean_delta(name))) end)
    local found = toy.run("tests/methods/gossip.lua", { base = base_file, experts = files, steps = 3, rate = 0.05 }, { data = data, dtype = "f32" })
    local off = 0
    for name in pairs(shapes) do for i, v in ipairs(found[name]) do off = math.max(off, math.abs(v - base[name][i] - 0.6 * mean_delta(name)[i])) end end
    assert(off > 1e-3)
  end)
end)

describe("published methods of scores:", function()
  local function values_of(folder) return toy.read(folder .. "/model.safetensors") end
  it("LM-Cocktail", function()
    local marks = { [files[1]] = 0.3, [files[2]] = -0.4 }
    local function score(folder)
      local first = values_of(folder)["model.norm.weight"][1]
      return first == experts[1]["model.norm.weight"][1] and marks[files[1]] or marks[files[2]]
    end
    local w = { math.exp(0.3 / 0.5), math.exp(-0.4 / 0.5) }
    check("lm_cocktail", { models = files, temperature = 0.5 }, function(name)
      return P.zip(function(x, y) return (w[1] * x + w[2] * y) / (w[1] + w[2]) end, experts[1][name], experts[2][name])
    end, { score = score })
  end)
  it("evolution finds weights that the score prefers", function()
    local target = { 0.8, -0.2 }
    local name = "lm_head.weight"
    local wanted = P.add(base[name], P.add(P.times(target[1], P.sub(experts[1][name], base[name])), P.times(target[2], P.sub(experts[2][name], base[name]))))
    local function score(folder) return -P.norm(P.sub(values_of(folder)[name], wanted)) end
    local found = toy.run("tests/methods/evolve.lua", { base = base_file, experts = files, generations = 6 }, { score = score, dtype = "f32" })
    local function off(values) return P.norm(P.sub(values, wanted)) end
    assert(off(found[name]) < 0.5 * off(P.add(base[name], P.times(0.5, P.add(P.sub(experts[1][name], base[name]), P.sub(experts[2][name], base[name]))))))
  end)
end)

describe("published methods of layout:", function()
  it("LLaMA Pro", function()
    local found = toy.run("tests/methods/llama_pro.lua", { model = files[1], every = 1 }, { dtype = "f32" })
    for name, values in pairs(found) do
      local l, rest = name:match "^model%.layers%.(%d+)%.(.*)$"
      local own = experts[1][l and "model.layers." .. l // 2 .. "." .. rest or name]
      local blank = l and l % 2 == 1 and (rest:find "o_proj" or rest:find "down_proj")
      for i, v in ipairs(values) do assert.equal(blank and 0 or own[i], v) end
    end
    assert.is_table(found["model.layers.3.mlp.up_proj.weight"])
  end)
end)
