--- votes_spec.lua: outputs that were computed from a wrong guess of the majority (exec/speculation.h) are computed again where a vote is
-- drawn, and only there. The same merge is written as a recipe whose total is not only asked for its sign, which nothing guesses.
local toy = dofile "tests/spec/toy.lua"

local PLAIN = [[
return recipe { "m", arg.model("base", "m"), arg.models("experts", "m"), function(a)
  local tau = a.experts - a.base
  local gamma = sum(tau):sign()
  local plus = (gamma + gamma:eq(0) * gamma:flat():total()):gt(0)
  local elected = where(where(plus, tau:gt(0), tau:lt(0)), tau, 0)
  local votes = sum(elected:ne(0))
  return a.base + sum(elected) / where(votes:eq(0), 1, votes)
end }]]

local ELEMENTS, TENSORS = 20000, 3

--- Experts that agree on plus in the first tensors and on minus in the later, larger part; a vote is drawn at every `step`-th element.
local function family(step)
  math.randomseed(7)
  local base, experts = {}, { {}, {} }
  for t = 1, TENSORS do
    local name = "t" .. t
    base[name], experts[1][name], experts[2][name] = {}, {}, {}
    for i = 1, ELEMENTS do
      local side, size = (t == 1 and 1 or -1), math.random(1, 1000) / 1024
      base[name][i] = math.random(-1000, 1000) / 1024
      local drawn = step and i % step == 0
      experts[1][name][i] = base[name][i] + side * size
      experts[2][name][i] = base[name][i] + (drawn and -side * size or side * math.random(1, 1000) / 1024)
    end
  end
  return { base = toy.write(base), experts = { toy.write(experts[1]), toy.write(experts[2]) } }
end

--- Bytes that this process has written so far, or nil where the system does not tell; nor can a coverage build, which writes its counts too.
local function written()
  if (os.getenv "MOONWELD_BUILD" or ""):find "coverage" then return nil end
  local file = io.open("/proc/self/io")
  local text = file and file:read "a"
  if file then file:close() end
  return text and tonumber(text:match "wchar: (%d+)")
end

describe("a majority that was guessed wrong", function()
  for _, case in ipairs { { "few votes are drawn", 15000, 0.2 }, { "votes are drawn everywhere", 3 }, { "no vote is drawn", nil, 0.2 } } do
    it(case[1], function()
      local models = family(case[2])
      local expected = toy.run(PLAIN, models)
      for _, threads in ipairs { 1, 3 } do
        local before = written()
        local found = toy.run("ties", { base = models.base, experts = models.experts, density = 1 }, { threads = threads })
        assert.same(expected, found)
        local more = before and (written() - before) / (4 * ELEMENTS * TENSORS) - 1
        if before and case[3] then assert.is_true(more < case[3], ("%.2f of the output was written twice"):format(more)) end
        if before and not case[3] then assert.is_true(more > 0.2, "nothing was computed again") end
      end
    end)
  end
end)

--- What is trimmed is scaled by a number that only data tells: it is ranked without that, in the pass that finds the number.
describe("a threshold of what is scaled", function()
  local function recipe(trimmed)
    return ([[
return recipe { "m", arg.model("base", "m"), arg.model("expert", "m"), function(a)
  local tau = a.expert - a.base
  local scale = tau:abs():total() / (tau:abs():total() + 1)
  return a.base + %s
end }]]):format(trimmed)
  end

  local function models()
    math.randomseed(11)
    local base, expert = { t = {}, u = {} }, { t = {}, u = {} }
    for name, values in pairs(base) do
      for i = 1, 3000 do values[i], expert[name][i] = 0, math.random(-40, 40) / 16 end
    end
    return { base = toy.write(base), expert = toy.write(expert) }
  end

  for _, options in ipairs { "0.3, {count = 'exact'}", "0.9, {count = 'some'}", "0.3, {count = 'ties'}", "7, {count = 'number'}" } do
    it("keeps the same elements: " .. options, function()
      local files = models()
      local expected = toy.run(recipe("tau:keep_top(" .. options .. ") * scale"), files)
      assert.same(expected, toy.run(recipe("(tau * scale):keep_top(" .. options .. ")"), files))
      assert.same(expected, toy.run(recipe("(scale * tau):keep_top(" .. options .. ")"), files))
    end)
  end

  it("takes no pass of its own", function()
    local mw = require "moonweld"
    local files = models()
    local plan = mw.plan("dare_ties", { profile = "mergekit", base = files.base, experts = { files.expert, files.expert }, drop = 0.9, density = 0.5 })
    assert.equal(4, plan.passes) -- the number and the first of the threshold's two, the second, equal elements, the outputs
  end)
end)
