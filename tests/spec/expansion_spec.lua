--- Chains of dots of weighted sums: one pass for all steps (src/expr/expansion.h), with the numbers that plain loops find.
package.path = "tests/spec/?.lua;" .. package.path
local toy = require "toy"
local mw = require "moonweld"

math.randomseed(41)
local NAMES = { "model.layers.0.w", "model.layers.1.w", "model.norm.weight" }
local SHAPES = { ["model.layers.0.w"] = { 24, 16 }, ["model.layers.1.w"] = { 16, 40 }, ["model.norm.weight"] = { 64 } }
local function size(name) return SHAPES[name][1] * (SHAPES[name][2] or 1) end
local function write(models)
  local files = {}
  for k, model in ipairs(models) do files[k] = toy.write(model, SHAPES) end
  return files
end
local function near(count, distance, far)
  local base, models = {}, {}
  for _, name in ipairs(NAMES) do base[name] = toy.random(size(name)) end
  for k = 1, count do
    models[k] = {}
    for _, name in ipairs(NAMES) do
      models[k][name] = {}
      for i, v in ipairs(base[name]) do models[k][name][i] = toy.f32(v + (math.random() * 2 - 1) * distance * (k == 1 and far or 1)) end
    end
  end
  return models
end

local function recipe(body) return 'return recipe { "A chain.", arg.models("models", "the models"), function(a)\n' .. body .. "\nend }" end
local function passes(text, files) return mw.plan(toy.text(".lua", text), { models = files }).passes end

--- Weiszfeld in plain loops, on one vector.
local function median(x, steps)
  local m = {}
  for i = 1, #x[1] do
    m[i] = 0
    for _, e in ipairs(x) do m[i] = m[i] + e[i] / #x end
  end
  for _ = 1, steps do
    local w, all = {}, 0
    for k, e in ipairs(x) do
      local s = 0
      for i, v in ipairs(e) do s = s + (v - m[i]) ^ 2 end
      w[k] = 1 / math.max(math.sqrt(s), 1e-9)
      all = all + w[k]
    end
    for i = 1, #m do
      m[i] = 0
      for k, e in ipairs(x) do m[i] = m[i] + w[k] / all * e[i] end
    end
  end
  return m
end

local function check(text, models, steps)
  local found = toy.run(text, { models = write(models) })
  for _, name in ipairs(NAMES) do
    local x = {}
    for k, model in ipairs(models) do x[k] = model[name] end
    for i, v in ipairs(median(x, steps)) do
      local wrong = math.abs(found[name][i] - v)
      if wrong ~= wrong or wrong > 3e-7 * math.max(1, math.abs(v)) then error(("%s[%d]: %.9g, not %.9g"):format(name, i, found[name][i], v), 2) end
    end
  end
end

local FORMS = { -- the square of a distance, as somebody may write it
  "((x - m):norm() ^ 2)", "(x - m):dot(x - m)", "(x - m):square():total()", "((x - m) ^ 2):total()", "((x - m) * (x - m)):sum()", "(m - x):norm() * (x - m):norm()",
  "(x:dot(x) - 2 * x:dot(m) + m:dot(m))",
}
local function weiszfeld(form, steps)
  return recipe(("local m = mean(a.models)\nfor _ = 1, %d do\nlocal w = {}\nfor k, x in ipairs(a.models) do w[k] = 1 / (%s):sqrt():atleast(1e-9) end\nw = list(w)\n" ..
    "m = sum(w / sum(w) * a.models)\nend\nreturn m"):format(steps, form))
end

describe("chains of dots", function()
  it("take two passes, however many steps, in every form", function()
    local models = near(4, 0.5)
    local files = write(models)
    for i, form in ipairs(FORMS) do
      assert.equal(2, passes(weiszfeld(form, 12), files), form)
      if i < #FORMS then check(weiszfeld(form, 12), models, 12) end -- the last one loses what it subtracts, computed in any way
    end
  end)
  it("are right for models that lie near to one another, and for one far away", function()
    check(weiszfeld(FORMS[1], 20), near(5, 1e-4), 20)
    check(weiszfeld(FORMS[1], 20), near(4, 1e-3, 1e3), 20)
  end)
  it("of tensors that are cut at a threshold have the same elements as the result", function()
    local models = near(3, 0.5)
    local text = recipe [[
      local kept = (a.models - mean(a.models)):keep_top(0.3)
      local m = mean(kept)
      for _ = 1, 12 do
        local w = 1 / (kept - m):norm():atleast(1e-9)
        m = sum(w / sum(w) * kept)
      end
      return (mean(a.models) + m):unweighed()]]
    local found = toy.run(text, { models = write(models) })
    for _, name in ipairs(NAMES) do
      local mu, kept = {}, {}
      for i = 1, size(name) do
        local s = models[1][name][i]
        for k = 2, 3 do s = toy.f32(s + models[k][name][i]) end
        mu[i] = toy.f32(s / 3)
      end
      for k, model in ipairs(models) do
        local order = {}
        kept[k] = {}
        for i, v in ipairs(model[name]) do
          kept[k][i] = toy.f32(v - mu[i])
          order[i] = math.abs(kept[k][i])
        end
        table.sort(order)
        local limit = order[#order - math.floor(0.3 * #order)]
        for i, v in ipairs(kept[k]) do if math.abs(v) < limit then kept[k][i] = 0 end end
      end
      for i, v in ipairs(median(kept, 12)) do
        local off = math.abs(found[name][i] - mu[i] - v)
        if off ~= off or off > 1e-6 then error(("%s[%d]: off by %.3g"):format(name, i, off)) end
      end
    end
  end)
  it("find equal models to have no distance", function()
    local one = near(1, 0)[1]
    local other = near(1, 1)[1]
    local models = { one, one, other }
    local found = toy.run(recipe("local u = (a.models[1] + a.models[2]) / 2\nfor _ = 1, 4 do u = u + (u - a.models[1]):norm() * a.models[3] end\nreturn u:unweighed()"), { models = write(models) })
    for _, name in ipairs(NAMES) do assert.same(one[name], found[name]) end
  end)
  it("go over whole models, through conditions and quotients", function()
    local models = near(3, 0.5)
    local text = recipe [[
      local u = ratio(1, a.models[1]:norm({ per = "model" })) * a.models[1]
      for k = 1, 6 do
        local other = a.models[k % 3 + 1]
        local c = u:cosine(other, { per = "model" })
        local new = u / u:norm { per = "model" } - 0.1 * -other
        u = where(c:gt(0.5), new, u + other * 0.5)
      end
      return u:unweighed()]]
    assert.equal(2, passes(text, write(models)))
    local function flat(model)
      local v = {}
      for _, name in ipairs(NAMES) do for _, x in ipairs(model[name]) do v[#v + 1] = x end end
      return v
    end
    local function dot(x, y) local s = 0 for i, v in ipairs(x) do s = s + v * y[i] end return s end
    local x, u = {}, {}
    for k, model in ipairs(models) do x[k] = flat(model) end
    for i, v in ipairs(x[1]) do u[i] = v / math.sqrt(dot(x[1], x[1])) end
    for k = 1, 6 do
      local other, n = x[k % 3 + 1], math.sqrt(dot(u, u))
      local c = dot(u, other) / (n * math.sqrt(dot(other, other)))
      for i, v in ipairs(u) do u[i] = c > 0.5 and v / n + 0.1 * other[i] or v + other[i] * 0.5 end
    end
    local found = flat(toy.run(text, { models = write(models) }))
    for i, v in ipairs(u) do assert(math.abs(found[i] - v) <= 3e-6 * math.max(1, math.abs(v)), ("%d: %.9g, not %.9g"):format(i, found[i], v)) end
  end)
  it("are left as they are where a step is no sum, or the chain short", function()
    local files = write(near(3, 0.5))
    assert.equal(4, passes(recipe("local m = mean(a.models)\nfor _ = 1, 3 do m = m:abs() / m:abs():norm() end\nreturn m:unweighed()"), files))
    assert.equal(3, passes(recipe("local u = a.models[1] / a.models[1]:norm()\nreturn (u / (u + a.models[2]):norm()):unweighed()"), files))
  end)
  it("of built-in recipes take two passes", function()
    local files = write(near(4, 0.5))
    for _, name in ipairs { "geometric_median", "karcher" } do assert.equal(2, mw.plan(name, { models = files }).passes, name) end
  end)
end)
