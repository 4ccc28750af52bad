--- Every operation of the vocabulary against a naive loop in plain Lua.
package.path = "tests/spec/?.lua;" .. package.path
local toy = require "toy"
local f32 = toy.f32

math.randomseed(7)
local N = 5003 -- some units of a reduction, and a rest
local X, Y = toy.random(N), toy.random(N)
X[10], Y[10] = Y[10], Y[10]
X[20], Y[30] = 0, 0
local x, y = toy.write { w = X }, toy.write { w = Y }

local function run(text) return toy.run(toy.expression(text), { x = x, y = y }).w end

local function near(found, expected, tolerance)
  for i = 1, N do
    local e = type(expected) == "function" and expected(X[i], Y[i], i) or expected
    assert(math.abs(found[i] - e) <= (tolerance or 0) * math.max(1, math.abs(e)), string.format("element %d: %.9g, expected %.9g", i, found[i], e))
  end
end

describe("element by element", function()
  local cases = {
    { "x + y", function(a, b) return f32(a + b) end },
    { "x - y", function(a, b) return f32(a - b) end },
    { "x * y", function(a, b) return f32(a * b) end },
    { "x * 3", function(a) return f32(a * 3) end },
    { "x / (y + 2)", function(a, b) return f32(a / f32(b + 2)) end },
    { "x ^ 2", function(a) return f32(a * a) end },
    { "-x", function(a) return -a end },
    { "x:abs()", function(a) return math.abs(a) end },
    { "(x * 5):floor()", function(a) return math.floor(f32(a * 5)) end },
    { "(x * 2):round()", function(a)
      local v = f32(a * 2)
      local low = math.floor(v)
      return v - low > 0.5 and low + 1 or v - low < 0.5 and low or low % 2 == 0 and low or low + 1
    end },
    { "x:square()", function(a) return f32(a * a) end },
    { "x:relu()", function(a) return math.max(a, 0) end },
    { "sort{x, y, x * y}[1]", function(a, b) return math.min(a, b, f32(a * b)) end },
    { "sort{x, y, x * y}[3]", function(a, b) return math.max(a, b, f32(a * b)) end },
    { "median{x, y, x * y}", function(a, b) local s = { a, b, f32(a * b) } table.sort(s) return s[2] end },
    { "argmin{x, y}", function(a, b) return b < a and 2 or 1 end },
    { "choose({x, y}, argmin{x:abs(), y:abs()})", function(a, b) return math.abs(b) < math.abs(a) and b or a end },
    { "x:map(function(t) return constant(1 / 3, t.shape):as('f64') + t * 0 end)", function() return toy.f32(1 / 3) end },
    { "x:map(function(t) return constant(1 + t:total() * 0 + 2^-9, t.shape):as('bf16') + t * 0 end)", function() return 1 end },
    { "x:as('bf16')", function(a)
      local bits = string.unpack("<I4", string.pack("<f", a))
      return (string.unpack("<f", string.pack("<I4", (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000)))
    end },
    { "x:sign()", function(a) return a > 0 and 1 or a < 0 and -1 or 0 end },
    { "x:abs():sqrt()", function(a) return f32(math.sqrt(math.abs(a))) end },
    { "x:clamp(-0.5, 0.25)", function(a) return math.max(-0.5, math.min(0.25, a)) end },
    { "x:atleast(0)", function(a) return math.max(a, 0) end },
    { "x:atmost(0)", function(a) return math.min(a, 0) end },
    { "x:lt(y)", function(a, b) return a < b and 1 or 0 end },
    { "x:le(y)", function(a, b) return a <= b and 1 or 0 end },
    { "x:gt(y)", function(a, b) return a > b and 1 or 0 end },
    { "x:ge(y)", function(a, b) return a >= b and 1 or 0 end },
    { "x:eq(y)", function(a, b) return a == b and 1 or 0 end },
    { "x:ne(y)", function(a, b) return a ~= b and 1 or 0 end },
    { "x:gt(0) & y:gt(0)", function(a, b) return a > 0 and b > 0 and 1 or 0 end },
    { "x:gt(0) | y:gt(0)", function(a, b) return (a > 0 or b > 0) and 1 or 0 end },
    { "~x:gt(0)", function(a) return a > 0 and 0 or 1 end },
    { "where(x:gt(y), x, y)", function(a, b) return math.max(a, b) end },
    { "x:keep(y:gt(0))", function(a, b) return b > 0 and a or 0 end },
    { "ratio(x, y)", function(a, b) return b == 0 and 0 or f32(a / b) end },
    { "lerp(x, y, 0.25)", function(a, b) return f32(f32(0.75 * a) + f32(0.25 * b)) end },
    { "min{x, y}", function(a, b) return math.min(a, b) end },
    { "max{x, y}", function(a, b) return math.max(a, b) end },
    { "mean{x, y}", function(a, b) return f32(f32(a + b) / 2) end },
  }
  for _, case in ipairs(cases) do
    it(case[1] .. " equals a naive loop, bit for bit", function() near(run(case[1]), case[2]) end)
  end
  local smooth = {
    { "x:exp()", function(a) return math.exp(a) end }, { "(x:abs() + 1):log()", function(a) return math.log(math.abs(a) + 1) end },
    { "x:tanh()", function(a) local e = math.exp(2 * a) return (e - 1) / (e + 1) end },
    { "x:sin()", function(a) return math.sin(a) end }, { "x:cos()", function(a) return math.cos(a) end },
    { "x:acos()", function(a) return math.acos(a) end }, { "(x:abs() + 1) ^ 1.5", function(a) return (math.abs(a) + 1) ^ 1.5 end },
  }
  it("has a case of every operation of elementwise.def", function()
    local texts = {}
    for _, list in ipairs { cases, smooth } do for _, case in ipairs(list) do texts[#texts + 1] = case[1] end end
    local all = table.concat(texts, "\n")
    for _, entry in ipairs(dofile "src/tools/elementwise.lua" ()) do -- "x:lt(y)" is ":lt(", "x + y" is " + ", "-x" is "-x"
      local mark = entry.written:match ":?[%l_]+%(" or entry.written:match " .+ " or entry.written
      assert(all:find(mark, 1, true), "there is no case of " .. entry.written)
    end
  end)
  for _, case in ipairs(smooth) do
    it(case[1] .. " is within an f32 rounding or two of libm", function() near(run(case[1]), case[2], 4e-7) end)
  end
end)

describe("reductions", function()
  local total, squares, other, dot, peak = 0, 0, 0, 0, 0
  for i = 1, N do
    total, squares, other, dot = total + X[i], squares + X[i] ^ 2, other + Y[i] ^ 2, dot + X[i] * Y[i]
    peak = math.max(peak, math.abs(X[i]))
  end
  local sorted, magnitudes = { table.unpack(X) }, {}
  for i = 1, N do magnitudes[i] = math.abs(X[i]) end
  table.sort(sorted)
  table.sort(magnitudes, function(a, b) return a > b end)
  local cases = {
    { "x:total()", total, 1e-5 }, { "x:mean()", total / N, 1e-6 }, { "x:norm()", math.sqrt(squares), 1e-6 }, { "x:peak()", peak, 0 },
    { "x:dot(y)", dot, 1e-5 }, { "x:cosine(y)", dot / math.sqrt(squares * other), 1e-6 },
    { "x:quantile(0.3)", sorted[math.floor(0.3 * (N - 1)) + 1], 0 }, { "x:kth_magnitude(17)", magnitudes[17], 0 },
    { "x:flat():total()", total, 1e-5 }, { "x:flat():norm()", math.sqrt(squares), 1e-6 }, { "x:flat():peak()", peak, 0 },
    { "x:flat():kth_magnitude(17)", magnitudes[17], 0 }, { "x:flat():dot(y:flat())", dot, 1e-5 },
  }
  for _, case in ipairs(cases) do
    it(case[1] .. " equals a naive sum or sort", function() near(run(case[1]), case[2], case[3]) end)
  end
end)

describe("selection", function()
  local function kept_count(values)
    local n = 0
    for i = 1, N do if values[i] ~= 0 then n = n + 1 end end
    return n
  end
  it("keep_top keeps every |x| at least the (d - int(d * density))-th smallest", function()
    local magnitudes = {}
    for i = 1, N do magnitudes[i] = math.abs(X[i]) end
    table.sort(magnitudes)
    local threshold = magnitudes[N - math.floor(N * 0.2)]
    near(run "x:keep_top(0.2)", function(a) return math.abs(a) >= threshold and a or 0 end)
  end)
  it("keep_top with count = exact keeps int(d * density), lower index first among ties", function()
    assert.equal(math.floor(N * 0.2), kept_count(run 'x:keep_top(0.2, { count = "exact" })'))
    local ties = {}
    for i = 1, 100 do ties[i] = i % 2 == 0 and 1 or -1 end
    local file = toy.write { w = ties }
    local found = toy.run(toy.expression 'x:keep_top(0.25, { count = "exact" })', { x = file, y = file }).w
    for i = 1, 100 do assert.equal(i <= 25 and ties[i] or 0, found[i]) end
  end)
  it("density 1 keeps all", function() near(run "x:keep_top(1)", function(a) return a end) end)
end)

describe("chance", function()
  it("bernoulli is true with its probability, and the same for the same seed", function()
    local first, again = run 'x:bernoulli(0.3, a.seed:at("m"))', run 'x:bernoulli(0.3, a.seed:at("m"))'
    local n = 0
    for i = 1, N do n = n + first[i] assert.equal(first[i], again[i]) end
    assert(math.abs(n / N - 0.3) < 0.03)
  end)
  it("drop 0 is the identity and drop 1 gives zeros", function()
    near(run "x:drop_rescale(0, a.seed)", function(a) return a end)
    near(run "x:drop_rescale(1, a.seed)", 0)
    near(run "x:drop_rescale(x * 0 + 1, a.seed)", 0) -- a probability for each element
    near(run "x:drop_rescale(x:norm() / x:norm(), a.seed)", 0)
  end)
  it("inverse rescaling multiplies what is kept by 1 / (1 - p)", function()
    for _, p in ipairs { 0.5, 0.9, 0.3 } do
      for i, value in ipairs(run("x:drop_rescale(" .. p .. ", a.seed)")) do
        assert(value == 0 or value == f32(X[i] * f32(1 / (1 - p))))
        assert(value == 0 or math.abs(value - X[i] / (1 - p)) <= 2 ^ -22 * math.abs(value))
      end
    end
  end)
  it("normal variates have mean 0 and variance 1", function()
    local values, sum, squares = run "x:normal(a.seed)", 0, 0
    for i = 1, N do sum, squares = sum + values[i], squares + values[i] ^ 2 end
    assert(math.abs(sum / N) < 0.06 and math.abs(squares / N - 1) < 0.08)
  end)
end)

describe("columns", function()
  it("scale_columns multiplies column j by c[j]", function()
    local values = { 1, 2, 4 }
    local text = 'return recipe { "d", arg.model("x", "m"), function(a) return a.x:map(function(t) return t:scale_columns(t + 1) end) end }'
    assert.same({ w = { 2, 6, 20 } }, toy.run(text, { x = toy.write { w = values } }))
  end)
end)

describe("promised rewrites", function()
  it("(b + x) - b is x, and b + 1 * (e - b) is e, to the last bit", function()
    near(run "(y + x * 1e-9) - y", function(a) return f32(a * f32(1e-9)) end)
    near(run "y + 1 * (x - y)", function(a) return a end)
  end)
end)
