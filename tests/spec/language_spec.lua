--- What only shows on models of several tensors: fields over depth, names, lists, the model as one vector, selections over
-- it, and what models weigh. Everything is held against plain loops.
package.path = "tests/spec/?.lua;" .. package.path
local toy = require "toy"
local f32 = toy.f32

math.randomseed(9)
local EMBED, FIRST, SECOND, BIAS, NORM = "model.embed_tokens.weight", "model.layers.0.q_proj.weight", "model.layers.1.q_proj.weight",
  "model.layers.2.q_proj.bias", "model.norm.weight"
local NAMES, SIZES = { EMBED, FIRST, SECOND, BIAS, NORM }, { 12, 12, 12, 4, 4 }
local DEPTH = { [EMBED] = 0, [FIRST] = 0, [SECOND] = 0.5, [BIAS] = 1, [NORM] = 1 }
local shapes = { [EMBED] = { 3, 4 }, [FIRST] = { 3, 4 }, [SECOND] = { 3, 4 } }

local function model()
  local tensors = {}
  for k, name in ipairs(NAMES) do tensors[name] = toy.random(SIZES[k]) end
  return tensors
end

local X, Y = model(), model()
X[FIRST][2], X[FIRST][3], X[NORM][2], Y[NORM][3] = 0, -X[FIRST][4], X[NORM][1], X[NORM][3] -- zeros and ties
local x, y = toy.write(X, shapes), toy.write(Y, shapes)

--- Runs a body on x, y and l = models{x, y}; `plain` gives a model of no known weight.
local function run(body)
  return toy.run('return recipe { "d", arg.model("x", "m"), arg.model("y", "m"), arg.seed(), function(a)\n' ..
    "local x, y, l = a.x, a.y, models { a.x, a.y }\nlocal function plain(m) return where(m:eq(m), m, m:abs()) end\n" .. body .. "\nend }",
    { x = x, y = y })
end

--- The expression equals f(x's element, y's, name, index), within a tolerance.
local function gives(expression, f, tolerance)
  it(expression, function()
    local found = run("return plain(" .. expression .. ")")
    for _, name in ipairs(NAMES) do
      for i, value in ipairs(found[name]) do
        local expected = f(X[name][i], Y[name][i], name, i)
        assert(math.abs(value - expected) <= (tolerance or 0), string.format("%s[%d]: %.9g, expected %.9g", name, i, value, expected))
      end
    end
  end)
end

local function total(m, name, g)
  local sum = 0
  for _, v in ipairs(m[name]) do sum = sum + g(v) end
  return sum
end
local function whole(m, g)
  local sum = 0
  for _, name in ipairs(NAMES) do sum = sum + total(m, name, g) end
  return sum
end
local function same(v) return v end
local function square(v) return v * v end
local function dot(name) local sum = 0 for i, v in ipairs(X[name]) do sum = sum + v * Y[name][i] end return sum end

describe("fields over depth", function()
  gives("x * layers{0, 2}", function(a, _, name) return f32(a * 2 * DEPTH[name]) end)
  gives("x * layers{0, 1, 5}", function(a, _, name) local p = 2 * DEPTH[name] return f32(a * (p <= 1 and p or 4 * p - 3)) end)
  gives("layers{3} * x", function(a) return f32(3 * a) end)
  gives("x * (1 + layers{0, 2}) * -layers{1, 3}", function(a, _, name) local d = 2 * DEPTH[name] return f32(f32(a * (1 + d)) * -(1 + d)) end)
  gives("x * where(layers{0, 1}:gt(0.4), 2, 3)", function(a, _, name) return f32(a * (DEPTH[name] > 0.4 and 2 or 3)) end)
  gives("x * pick{ {'*q_proj*', layers{1, 3}}, {'*norm*', 5}, 7 }",
    function(a, _, name) return f32(a * (name:find "q_proj" and 1 + 2 * DEPTH[name] or name == NORM and 5 or 7)) end)
  gives("x * pick{ {'*layers.[01].*', 2}, {'*layers.?.*', 4}, layers{3, 6} }",
    function(a, _, name) return f32(a * (name == BIAS and 4 or name:find "layers" and 2 or 3 + 3 * DEPTH[name])) end)
  gives("lerp(x, y, layers{0, 1})", function(a, b, name) local t = DEPTH[name] return f32(f32((1 - t) * a) + f32(t * b)) end)
  gives("x:clamp(-layers{0, 1}, layers{0, 1})", function(a, _, name) return math.max(-DEPTH[name], math.min(DEPTH[name], a)) end)
  gives("x:map(function(t) return t * layers{0, 2} end)", function(a, _, name) return f32(a * 2 * DEPTH[name]) end)
  gives("x:map(function(t) return t:keep_top(layers{0, 1}, {count = 'exact'}) end)", function(a, _, name, i)
    if name == SECOND then -- 6 of 12 by magnitude
      local larger = 0
      for _, v in ipairs(X[name]) do larger = larger + (math.abs(v) > math.abs(a) and 1 or 0) end
      return larger < 6 and a or 0
    end
    return DEPTH[name] * X[name][i]
  end)
  gives("x:map(function(t) return t:drop_rescale(1 - layers{1, 1}, a.seed) end)", function(a) return a end)
  gives("sum(models{layers{0, 2}, 1} * l)", function(a, b, name) return f32(f32(a * 2 * DEPTH[name]) + b) end)
  it("layers are found by the names of other families too", function()
    local names = { "shared.weight", "encoder.block.0.layer.1.w", "encoder.block.1.layer.0.w", "encoder.block.2.layer.1.w", "gpt_neox.embed_out.weight" }
    local tensors = {}
    for _, name in ipairs(names) do tensors[name] = { 1 } end
    local found = toy.run('return recipe { "d", arg.model("x", "m"), function(a) return a.x:abs() * layers{0, 1} end }', { x = toy.write(tensors) })
    for i, depth in ipairs { 0, 0, 0.5, 1, 1 } do assert.equal(depth, found[names[i]][1], names[i]) end
  end)
end)

describe("reductions of models, lists and models as one vector", function()
  local n = 44
  local of_tensor = { total = function(m, name) return total(m, name, same) end, mean = function(m, name) return total(m, name, same) / #m[name] end,
    norm = function(m, name) return math.sqrt(total(m, name, square)) end }
  local of_model = { total = whole(Y, same), mean = whole(Y, same) / n, norm = math.sqrt(whole(Y, square)) }
  for name, f in pairs(of_tensor) do
    gives("0 * x + y:" .. name .. "()", function(_, _, tensor) return f(Y, tensor) end, 2e-6)
    gives("0 * x + l:" .. name .. "()[2]", function(_, _, tensor) return f(Y, tensor) end, 2e-6)
    gives("y:map(function(t) return 0 * t + t:" .. name .. "() end)", function(_, _, tensor) return f(Y, tensor) end, 2e-6)
    gives("0 * x + y:flat():" .. name .. "()", function() return of_model[name] end, 4e-6)
    gives("0 * x + l:flat():" .. name .. "()[2]", function() return of_model[name] end, 4e-6)
  end
  local both = 0
  for _, name in ipairs(NAMES) do both = both + dot(name) end
  local lengths = math.sqrt(whole(X, square) * whole(Y, square))
  gives("0 * x + x:cosine(y)", function(_, _, name) return dot(name) / math.sqrt(total(X, name, square) * total(Y, name, square)) end, 2e-6)
  gives("0 * x + x:cosine(y - y)", function() return 0 end)
  gives("0 * x + x:flat():dot(y:flat())", function() return both end, 2e-6)
  gives("0 * x + l:flat():cosine(y:flat())[1]", function() return both / lengths end, 2e-6)
  gives("0 * x + x:flat():cosine((y - y):flat())", function() return 0 end)
  local values, magnitudes = {}, {}
  for _, name in ipairs(NAMES) do for _, v in ipairs(X[name]) do values[#values + 1], magnitudes[#magnitudes + 1] = v, math.abs(v) end end
  table.sort(values)
  table.sort(magnitudes)
  gives("0 * x + l:flat():quantile(0.77)[1]", function() return values[math.floor(0.77 * (n - 1)) + 1] end)
  gives("0 * x + l:flat():kth_magnitude(5)[1]", function() return magnitudes[n - 4] end)
  gives("0 * x + x:quantile(layers{0, 1})", function(_, _, name)
    local own = { table.unpack(X[name]) }
    table.sort(own)
    return own[math.floor(DEPTH[name] * (#own - 1)) + 1]
  end)
end)

describe("selection", function()
  --- What keep_top keeps of the tensors taken as one vector: true by name and index.
  local function kept(tensors, density, count)
    local order, result = {}, {}
    for _, name in ipairs(tensors) do for i, v in ipairs(X[name]) do order[#order + 1] = { name .. i, math.abs(v), #order } end end
    table.sort(order, function(p, q) return p[2] > q[2] or (p[2] == q[2] and p[3] < q[3]) end)
    local d = #order
    local k = math.floor(d * density)
    for rank, entry in ipairs(order) do
      result[entry[1]] = rank <= k or (count == "some" and density > 0 and rank == 1) or
        (count == "ties" and entry[2] >= order[d - math.max(d - k, 1) + 1][2])
    end
    return result
  end
  for _, count in ipairs { "ties", "exact", "some" } do
    for _, density in ipairs { 0, 0.1, 0.5, 0.9, 1 } do
      local over = kept(NAMES, density, count)
      gives(string.format("x:keep_top(%g, {count = '%s', per = 'model'})", density, count), function(a, _, name, i) return over[name .. i] and a or 0 end)
      gives(string.format("l:keep_top(%g, {count = '%s'})[1]", density, count), function(a, _, name, i)
        return kept({ name }, density, count)[name .. i] and a or 0
      end)
    end
  end
  --- Magnitudes of 0 and 1 alone, in their order, and equal ones by their indices: what lies between the outliers and the small rest.
  for _, share in ipairs { { 0.5, 0.25 }, { 0.9, 0.05 }, { 0.3, 0 }, { 0.6, 0.9 } } do
    gives(string.format("x:sign():keep_top(%g, {below = %g})", share[1], share[2]), function(a, _, name, i)
      local order, d = {}, #X[name]
      for k, v in ipairs(X[name]) do order[k] = { v == 0 and 0 or 1, k } end
      table.sort(order, function(p, q) return p[1] < q[1] or (p[1] == q[1] and p[2] < q[2]) end)
      local count = math.floor(d * share[1])
      local last = d - math.min(math.floor(d * share[2]), d - count)
      for place = last - count + 1, last do if order[place][2] == i then return a > 0 and 1 or a < 0 and -1 or 0 end end
      return 0
    end)
  end
end)

describe("lists and names", function()
  gives("sum(models{1, 2} * l .. {x})", function(a, b) return f32(f32(a + f32(2 * b)) + a) end)
  gives("sum(x - l) + max(l) - min(l)", function(a, b) return f32(f32(f32(a - b) + math.max(a, b)) - math.min(a, b)) end)
  gives("sum(l:map(function(m, i) return m * i end)) * #l", function(a, b) return f32(2 * f32(a + f32(2 * b))) end)
  gives("sum(l:abs():clamp(0, models{0.5, 0.25}))", function(a, b) return f32(math.min(0.5, math.abs(a)) + math.min(0.25, math.abs(b))) end)
  gives("x:with(y:only('*norm*'))", function(a, b, name) return name == NORM and b or a end)
  gives("x:only('*layers.[02].*'):with(y:except('*layers.[02].*'))", function(a, b, name) return (name == FIRST or name == BIAS) and a or b end)
  gives("x:has('model.norm.weight') and not x:has('model.norm') and y", function(_, b) return b end)
  it("columns are scaled by a tensor of the last dimension", function()
    local found = run "local c x:map(function(t, name) if name == 'model.norm.weight' then c = t end return t end) return plain(x:scale_columns(c))"
    for _, name in ipairs(NAMES) do for i, v in ipairs(found[name]) do assert.equal(f32(X[name][i] * X[NORM][(i - 1) % 4 + 1]), v) end end
  end)
end)

describe("a name in brackets is the tensor's where a tensor has it", function()
  local m = toy.write { norm = { 3, -4 }, abs = { -6, 6 }, w = { 1, 2 } }
  local function of_w(expression) -- what w is times the expression, a number of m
    local text = 'return recipe { "d", arg.model("m", "m"), function(a)\nlocal m = a.m\n' ..
      'return m:map(function(t, name) if name ~= "w" then return t end\nlocal s = ' .. expression .. '\nreturn (t:eq(t):keep(t:eq(t)) * s):unweighed() end) end }'
    return toy.run(text, { m = m }).w[1]
  end
  it("in brackets", function() assert.equal(4, of_w 'm["norm"]:peak()') end)
  it("by a variable", function() assert.equal(6, of_w 'm[({ "abs" })[1]]:peak()') end)
  it("by a colon", function() assert.equal(5, of_w 'm:norm()\n["norm"]') end)
  it("by a dot", function() assert.equal(5, of_w 'm.norm(m)\n["norm"]') end)
  it("by a colon on a line of its own", function() assert.equal(6, of_w 'm\n:\nabs(\n)["abs"]:peak()') end)
  it("a word that no tensor has", function() assert.equal(2, of_w 'm["peak"](m)["w"]') end)
end)

describe("what a result weighs", function()
  local function weighs(expression)
    local ok, message = pcall(run, "return " .. expression)
    return ok and "one" or tostring(message):match("weighs ([%d.]+) models") or tostring(message)
  end
  it("selections and chance keep it, whatever is rescaled", function()
    for _, one in ipairs { "x:keep_top(0.5)", "x:keep(x:gt(0))", "x:drop_rescale(0.5, a.seed)", "x:drop_rescale(0.9, a.seed)", "x:drop_rescale(0.25, a.seed, {rescale = 'none'})",
      "sum(l:drop_rescale(0.9, a.seed)) / 2", "mean(sign_trim(l, 0.5))", "x + (y - x):drop_rescale(0.9, a.seed)" } do
      assert.equal("one", weighs(one), one)
    end
    assert.equal("2", weighs "sum(l:drop_rescale(0.9, a.seed))")
    assert.equal("2", weighs "sum(sign_trim(l, 0.5))")
  end)
  it("where and lerp of equal weights do too, whatever decides", function()
    for _, one in ipairs { "lerp(x, y, x:cosine(y))", "lerp(x, y, layers{0, 1})", "where(x:gt(y), x, y)", "x + lerp(x, y, x:gt(y)) - y" } do
      assert.equal("one", weighs(one), one)
    end
    assert.equal("2", weighs "x + lerp(x, y, x:cosine(y))")
    assert.equal("2", weighs "where(x:gt(y), 2 * x, x + y)")
  end)
  it("a delta weighs nothing, whatever weighs it", function()
    assert.equal("0", weighs "x - y")
    for _, weight in ipairs { "x:cosine(y)", "x:gt(y)", "where(x:gt(y), 1, -1)", "1 / x:norm()", "(1 / x:norm() - 1 / y:norm())", "(1 - x:gt(y))", "layers{1, 2}",
      "x:bernoulli(0.5, a.seed)", "ratio(x:gt(y), x:gt(y) + 1)", "sum(l:gt(0))", "x:abs()", "ratio(x:abs(), sum(l:abs()))", "((x - y) * (x - y))" } do
      assert.equal("0", weighs(weight .. " * (x - y)"), weight)
      assert.equal("0", weighs("(x - y) * " .. weight), weight)
    end
    assert.equal("0", weighs "(x - y) / x:norm()")
    assert.equal("0", weighs "(x - y) / (x - y):abs()")

  end)
  it("what is not linear in the models weighs an unknown number", function()
    for _, one in ipairs { "x * (1 + 0.1 * (y - x))", "(1 + 0.1 * (y - x)) * x", "x * (y - x):exp()", "(x - y) * (x - y)", "x:keep_top(0.5) * where(x:gt(y), 2, 0)" } do
      assert.equal("one", weighs(one), one)
    end
    for _, w in ipairs { "1 / l:norm()", "ratio(1, l:norm())", "1 / (l:norm() + 1)", "l:norm() ^ -1", "(l - x) * (l - x)", "1 / l:abs():atleast(0.1)", "where(l:gt(0), 2, 1)", "3 / l:atleast(0.1)",
      "where(l:gt(0), 1, 0) / 3", "l:gt(0)", "(l - x):abs()" } do
      assert.equal("one", weighs("(function(w) return ratio(sum(w * l), sum(w)) end)(" .. w .. ")"), w)
    end
  end)
end)
