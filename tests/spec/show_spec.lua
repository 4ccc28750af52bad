--- x:show(label): numbers that only the merge knows, told when it does.
package.path = "tests/spec/?.lua;" .. package.path
local toy, mw, json = require "toy", require "moonweld", require "json"

math.randomseed(9)
local X, Y = { a = toy.random(40), b = toy.random(25) }, { a = toy.random(40), b = toy.random(25) }
local x, y = toy.write(X), toy.write(Y)

--- What the lock says was shown, by what it is called.
local function shown(body, options)
  local all = { output = toy.path "-out" }
  for key, value in pairs(options or {}) do all[key] = value end
  mw.merge(toy.text(".lua", 'return recipe { "Shows.", arg.model("x", "a model"), arg.model("y", "a model"), arg.score(), function(a) local x, y = a.x, a.y\n' .. body .. "\nend }"),
    { x = x, y = y }, all)
  local found, order = {}, {}
  for i, entry in ipairs(json(toy.bytes(all.output .. "/merge.lock.json")).shown or {}) do
    found[entry.what], order[i] = tonumber(entry.value), entry.what
  end
  return found, order
end

local function norm(v) local s = 0 for _, e in ipairs(v) do s = s + e * e end return math.sqrt(s) end
local function near(expected, found) assert(found and math.abs(found - expected) < 1e-6 * expected, ("%s, not %.9g"):format(tostring(found), expected)) end

describe("show", function()
  it("tells a number of each tensor, of each member, of a whole model, in the order of the recipe", function()
    local found, order = shown 'x:norm():show("norm") list{x, y}:flat():norm():show("whole") x["b"]:peak():show("peak") return x'
    assert.same({ "norm a", "norm b", "whole[1]", "whole[2]", "peak" }, order)
    near(norm(X.a), found["norm a"])
    near(norm(X.b), found["norm b"])
    near(math.sqrt(norm(Y.a) ^ 2 + norm(Y.b) ^ 2), found["whole[2]"])
  end)
  it("is the number itself, and changes nothing", function()
    local found = shown 'return x / x:norm():show("n") * x:norm()'
    near(norm(X.a), found["n a"])
  end)
  it("tells what no tensor of the result depends on, and what is computed in chains", function()
    local found = shown 'local d = (x - y):norm():show("d") local m = (x + y) / 2 for k = 1, 4 do m = m + 0.1 * (m - x):norm():show("step " .. k) * (y - x) end return x'
    local d = {}
    for i, v in ipairs(X.b) do d[i] = v - Y.b[i] end
    near(norm(d), found["d b"])
    near(norm(d) / 2, found["step 1 b"])
    near(norm(d) * (0.5 + 0.1 * norm(d) / 2), found["step 2 b"])
  end)
  it("of a recipe that scores tells those of the result alone, once", function()
    local found, order = shown('local best, most for k = 1, 3 do local m = lerp(x, y, k / 10) local s = a.score(m) if not most or s > most then best, most = m, s end end\n' ..
      'best:norm():show("best") return best', { score = function(folder) return toy.read(folder .. "/model.safetensors").a[1] end })
    assert.same({ "best a", "best b" }, order)
    assert(found["best a"] > 0)
  end)
  it("says null of what is not finite", function()
    local found, order = shown 'local inf = (x:norm() / (x - x):norm()):show("inf") return x'
    assert.same({ "inf a", "inf b" }, order)
    assert.is_nil(found["inf a"])
  end)
  it("is refused of tensors and without a label", function()
    for _, case in ipairs {
      { 'x:show("x") return x', "show(label) tells numbers, not a tensor" }, { "x:norm():show() return x", "this is written x:show(label)" },
      { "x:norm():show(3) return x", "takes a short text" }, { 'x:norm():show("") return x', "takes a short text" }, { 'x:norm():show("a\\nb") return x', "takes a short text" },
    } do
      local ok, message = pcall(shown, case[1])
      assert(not ok and tostring(message):find(case[2], 1, true), case[1] .. ": " .. tostring(message))
    end
  end)
end)
