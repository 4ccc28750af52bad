--- Scores: greedy soup against a naive one, the best of several draws, and what is remembered and recorded.
package.path = "tests/spec/?.lua;" .. package.path
local toy = require "toy"
local mw = require "moonweld"
local f32 = toy.f32

math.randomseed(21)
local N, GRID = 24, 0.25
local TARGET = toy.random(N)

-- The score is the negated squared distance to TARGET, rounded to a grid so that candidates tie; each run leaves a line.
local log = toy.folder .. "/score.log"
local script = toy.folder .. "/score.lua"
do
  local out = assert(io.open(script, "w"))
  local target = {}
  for i, v in ipairs(TARGET) do target[i] = string.format("%.17g", v) end
  out:write('package.path = "tests/spec/?.lua;" .. package.path\nlocal toy, target, sum = require "toy", {', table.concat(target, ","), "}, 0\n",
    'for i, v in ipairs(toy.read(arg[1] .. "/model.safetensors").w) do sum = sum + (v - target[i]) ^ 2 end\n',
    "local log = io.open('", log, "', 'a') log:write(arg[1], '\\n') log:close()\n",
    "os.remove(toy.folder)\nprint('distance', sum, 'score', -math.floor(sum / ", GRID, ") * ", GRID, ")\n")
  out:close()
end
local SCORE = "lua5.4 " .. script .. " {dir}"

local function score_of(values)
  local sum = 0
  for i, v in ipairs(values) do sum = sum + (v - TARGET[i]) ^ 2 end
  return -math.floor(sum / GRID) * GRID
end

local function mean_of(list)
  local values = {}
  for i = 1, N do
    local sum = list[1][i]
    for k = 2, #list do sum = f32(sum + list[k][i]) end
    values[i] = #list > 1 and f32(sum / #list) or sum
  end
  return values
end

--- Recipe 1 of the paper; of equal scores the later listed comes first.
local function greedy(list, accept)
  local order = {}
  for i, values in ipairs(list) do order[i] = { values = values, score = score_of(values), place = i } end
  table.sort(order, function(a, b) return a.score > b.score or (a.score == b.score and a.place > b.place) end)
  local soup, best = { order[1].values }, order[1].score
  for i = 2, #order do
    local larger = table.move(soup, 1, #soup, 1, {})
    larger[#larger + 1] = order[i].values
    local score = score_of(mean_of(larger))
    if score > best or (accept == "at_least" and score == best) then soup, best = larger, score end
  end
  return mean_of(soup)
end

local function runs()
  local count, file = 0, io.open(log)
  if file then
    for _ in file:lines() do count = count + 1 end
    file:close()
    os.remove(log)
  end
  return count
end

local read = toy.bytes

--- A pool around TARGET, some of its members far off.
local function pool(count)
  local list, files = {}, {}
  for k = 1, count do
    list[k] = {}
    local far = k % 3 == 0 and 0.8 or 0.4
    for i = 1, N do list[k][i] = f32(TARGET[i] + (math.random() * 2 - 1) * far) end
    files[k] = toy.write { w = list[k] }
  end
  return list, files
end

describe("greedy soup", function()
  for _, accept in ipairs { "at_least", "greater" } do
    it("equals a naive one where scores tie, accept " .. accept, function()
      for _ = 1, 4 do
        local list, files = pool(5)
        runs()
        assert.same(greedy(list, accept), toy.run("greedy_soup", { models = files, accept = accept }, { score = SCORE }).w)
        assert.equal(9, runs()) -- K of one model and K - 1 of a larger soup
      end
    end)
  end
  it("of one model is that model, scored once", function()
    local list, files = pool(1)
    runs()
    assert.same(list[1], toy.run("greedy_soup", { models = files }, { score = SCORE }).w)
    assert.equal(1, runs())
  end)
  it("measures a model that is listed twice once", function()
    local list, files = pool(2)
    runs()
    local found = toy.run("greedy_soup", { models = { files[1], files[1], files[2] } }, { score = SCORE }).w
    assert(runs() <= 5 and #found == #list[1])
  end)
end)

describe("m3 with samples", function()
  it("keeps the best of its draws, and records them all with their scores", function()
    local list, files = pool(2)
    local options = { score = SCORE, seed = 5 }
    local found = toy.run("m3", { models = files, samples = 6, alpha = 1 }, options).w
    local lock, lines = read(options.output .. "/merge.lock.json"), {}
    for line in read(options.output .. "/moonweld/scores.jsonl"):gmatch "[^\n]+" do lines[#lines + 1] = line end
    assert.equal(6, #lines)
    local best, most
    for k, line in ipairs(lines) do
      assert.equal(k, tonumber(line:match '"candidate":(%d+)'))
      local lambda, score = tonumber(line:match '"value":([%d.e-]+)'), tonumber(line:match '"score":([%d.e-]+)')
      local mix = {}
      for i = 1, N do mix[i] = f32(f32(f32(1 - lambda) * list[2][i]) + f32(f32(lambda) * list[1][i])) end
      assert.equal(score_of(mix), score)
      if not most or score > most then best, most = { mix, k }, score end
    end
    assert.same(best[1], found)
    assert.equal(best[2], tonumber(lock:match '"chosen": (%d+)'))
  end)
  it("one sample asks for no score", function()
    local _, files = pool(2)
    runs()
    toy.run("m3", { models = files }, { score = SCORE })
    assert.equal(0, runs())
  end)
end)

describe("a score", function()
  local _, files = pool(2)
  local function recipe(body)
    return 'return recipe { "d", arg.models("models", "m"), arg.score(), function(a) ' .. body .. " end }"
  end
  local function failure(body, options)
    local ok, message = pcall(toy.run, recipe(body), { models = files }, options)
    assert(not ok, "this should have failed")
    return message
  end
  it("is a plain number, and the same candidate is never measured twice", function()
    runs()
    toy.run(recipe [[
      local one, again = a.score(a.models[1]), a.score(1 * a.models[1] + 0)
      assert(type(one) == "number" and one == again)
      for _ = 1, 100 do assert(a.score(a.models[1]) == one) end
      return a.models[2] ]], { models = files }, { score = SCORE })
    assert.equal(1, runs())
  end)
  it("is of a whole model of one model's weight", function()
    assert.truthy(failure("a.score(sum(a.models)) return a.models[1]", { score = SCORE }):find("weighs 2 models", 1, true))
    assert.truthy(failure("a.score(a.models) return a.models[1]", { score = SCORE }):find("not of a list", 1, true))
    assert.truthy(failure("a.score('x') return a.models[1]", { score = SCORE }):find("not of a string", 1, true))
  end)
  it("of several with names: each, their mean, and in the lock by which", function()
    local other = toy.write { w = toy.random(N) }
    local both = { files[1], other }
    local far = SCORE .. " | sed 's/-//g'"
    local options = { score = { "near=" .. SCORE, "far_off=" .. far } }
    local found = toy.run(recipe [[
      local near, far
      for i, m in ipairs(a.models) do
        assert(a.score.near(m) == -a.score.far_off(m) and a.score(m) == 0)
        if not near or a.score.near(m) > a.score.near(a.models[near]) then near = i end
        if not far or a.score.far_off(m) > a.score.far_off(a.models[far]) then far = i end
      end
      assert(near == far or near + far == 3)
      local first = a.models:best_first(a.score.near)[1]
      a.score.near(first)
      return lerp(a.models[near], a.models[far], 0.25)]], { models = both }, options)
    local near, far_one = toy.read(files[1]).w, toy.read(other).w
    local one, two = score_of(near), score_of(far_one)
    if two > one then near, far_one = far_one, near end
    if one ~= two then for i, v in ipairs(found.w) do assert(math.abs(v - (0.75 * near[i] + 0.25 * far_one[i])) < 1e-6) end end
    local lines = read(options.output .. "/moonweld/scores.jsonl")
    local _, count = lines:gsub('"by":"near"', "")
    assert.equal(2, count)
    assert.truthy(lines:find('"by":"far_off"', 1, true))
    assert(read(options.output .. "/merge.lock.json"):find("far_off=", 1, true))
  end)
  it("with names goes to another recipe, one or all", function()
    local text = 'local greedy = require "greedy_soup" return recipe { "d", arg.models("models", "m"), arg.score(),\n' ..
      "function(a) return greedy { models = a.models, score = a.score.near } end }"
    assert.same(toy.run("greedy_soup", { models = files }, { score = SCORE }), toy.run(text, { models = files }, { score = { "near=" .. SCORE } }))
    assert.same(toy.run("greedy_soup", { models = files }, { score = SCORE }),
      toy.run("greedy_soup", { models = files }, { score = { "a=" .. SCORE, "b=" .. SCORE } }))
  end)
  it("of names that are wrong is an error", function()
    local two = { score = { "near=" .. SCORE, "far=" .. SCORE } }
    assert.truthy(failure("a.score.neer(a.models[1]) return a.models[1]", two):find("there is no score 'neer': --score neer=COMMAND gives it -- did you mean 'near'?", 1, true))
    assert.truthy(failure("a.score.near(a.models[1]) return a.models[1]", { score = SCORE }):find("there is no score 'near'", 1, true))
    assert.truthy(failure("a.score.near(a.models) return a.models[1]", two):find("not of a list", 1, true))
    for words, said in pairs { ["one --score has a name and another has none"] = { SCORE, "far=" .. SCORE }, ["there are two scores 'far'"] = { "far=" .. SCORE, "far=" .. SCORE },
      ["does not name the candidate"] = { "near=" .. SCORE, "far=true" }, ["takes no files"] = { "near=" .. SCORE, "file" }, ["needs a file"] = { "near=loss:" } } do
      assert.truthy(failure("return a.models[1]", { score = said }):find(words, 1, true), words)
    end
  end)
  it("of category experts is the published soup", function()
    local near = SCORE
    local found = toy.run("tests/methods/souper.lua", { models = files, categories = "one two", parts = 2 }, { score = { "one=" .. near, "two=" .. near } })
    local best
    for _, file in ipairs(files) do
      local values = toy.read(file).w
      if not best or score_of(values) > score_of(best) then best = values end
    end
    assert.same(best, found.w)
  end)
  it("is absent without --score", function()
    assert.truthy(failure("a.score(a.models[1]) return a.models[1]"):find("needs --score", 1, true))
  end)
  it("cannot be replaced, and its command is out of reach", function()
    assert.truthy(failure("a.score = 1 return a.models[1]", { score = SCORE }):find("cannot be changed", 1, true))
    runs()
    assert.truthy(failure([[a.score(a.models[1], "touch /tmp/x") return a.models[1] ]], { score = SCORE }):find("a.score(model), without 'touch", 1, true))
    assert.equal(0, runs())
  end)
  it("is measured on the bytes that would be written", function()
    local options = { score = "wc -c < {dir}/model.safetensors", dtype = "bf16" }
    toy.run(recipe [[ assert(a.score(a.models[1]) % 2 == 0) return a.models[1] ]], { models = files }, options)
    assert.truthy(read(options.output .. "/merge.lock.json"):find('"chosen": 1', 1, true))
  end)
  it("of a candidate that cannot be computed is an error that says which", function()
    local message = failure("local x = a.models[1] a.score(where(x:eq(x), (0 * x) / (0 * x), x:abs())) return x", { score = SCORE })
    assert.truthy(message:find("candidate 1: tensor 'w' of the result: values", 1, true))
  end)
  it("belongs to a recipe that is called, too", function()
    local text = 'local greedy = require "greedy_soup" return recipe { "d", arg.models("models", "m"), arg.score(),\n' ..
      "function(a) return greedy { models = a.models, score = a.score } end }"
    local options = { score = SCORE }
    assert.same(toy.run("greedy_soup", { models = files }, { score = SCORE }), toy.run(text, { models = files }, options))
  end)
  it("plans without measuring anything", function()
    runs()
    local plan = mw.plan("greedy_soup", { models = files }, { score = SCORE, output = toy.folder .. "/never" })
    assert.equal(3, plan.candidates)
    assert.equal(0, runs())
  end)
end)
