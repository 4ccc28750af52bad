--- Searches whose candidates learn: each candidate learns what it is made of and nothing else, and what is written is what
-- a recipe of the chosen one alone would write.
package.path = "tests/spec/?.lua;" .. package.path
local toy, mw = require "toy", require "moonweld"

local PICO = "tests/data/pico/"
local models = { PICO .. "kjv", PICO .. "py" }
local labels = toy.text(".jsonl", "[1, 20, 300, 4, 50]\n[7, 8, 9]\n")

local read = toy.bytes

--- A recipe around `body`, which has soup(steps): a learned soup, and more(c, steps): what is learned on top of c.
local function recipe(body)
  return toy.text(".lua", [[
return recipe { "A search.", arg.models("models", "peers"), arg.calibration(), arg.score(),
  function(a)
    local function mix(c) return sum(c * a.models) end
    local function loss(c, batch) return cross_entropy(logits(mix(c), batch[1]), batch[1]) end
    local function learned(steps, start, objective)
      return learn { start = start or a.models:tensors(0.5), loss = objective or loss, data = a.data, steps = steps, rate = 0.01 }
    end
    ]] .. body .. "\n  end }")
end

local function search(body)
  local folder = toy.path "-out"
  local options = { data = labels, score = "loss:" .. labels, threads = 1, output = folder }
  mw.merge(recipe(body), { models = models }, options)
  return folder, read(folder .. "/merge.lock.json")
end

local function candidates(body)
  local plan = mw.plan(recipe(body), { models = models }, { data = labels, score = "echo {dir}", output = toy.path "-never" })
  return plan.candidates, plan
end

local function same_files(one, two)
  for _, name in ipairs { "model.safetensors", "moonweld/coefficients.safetensors", "moonweld/training.jsonl", "moonweld/loss.svg" } do
    assert(read(one .. "/" .. name) == read(two .. "/" .. name), name)
  end
end

describe("a search whose candidates learn", function()
  it("writes what a recipe of the chosen one alone writes", function()
    local found, lock = search [[
      local all = {}
      for steps = 1, 3 do
        all[steps] = mix(learned(steps))
        a.score(all[steps])
      end
      return all[2] ]]
    same_files(found, (search "return mix(learned(2))"))
    assert.equal(2, tonumber(lock:match '"chosen": (%d+)'))
    local _, trainings = lock:gsub('"first_loss"', "")
    assert.equal(1, trainings)
  end)

  it("keeps what the chosen one builds on, numbered as if it were alone", function()
    local twice = [[
      local first = learned(1)
      local c = learned(2, nil, function(c, batch) return loss(c, batch) + 0.1 * loss(0.5 * (c + first), batch) end) ]]
    local found = search("a.score(mix(learned(1))) a.score(mix(learned(3)))" .. twice .. "a.score(mix(c)) return mix(c)")
    same_files(found, (search(twice .. "return mix(c)")))
    assert.truthy(read(found .. "/moonweld/coefficients.safetensors"):find("learn2.models[1]", 1, true))
  end)

  it("plans no training that its model does not need", function()
    local _, plan = candidates "learned(1) return mix(learned(2))"
    assert.same({ 1, 2 }, { #plan.learning, plan.learning[1].steps })
  end)

  it("may learn more often than one model may", function()
    assert.equal(100, (candidates "local c for i = 1, 100 do c = mix(learned(i)) a.score(c) end return c"))
  end)

  it("knows a candidate that is built again, and tells apart what trains other coefficients", function()
    assert.equal(1, (candidates "a.score(mix(learned(2))) a.score(mix(learned(2))) return mix(learned(2))"))
    assert.equal(2, (candidates "a.score(mix(learned(2))) a.score(mix(learned(3))) return mix(learned(2))"))
    assert.equal(2, (candidates [[
      local c, x, y = a.models:tensors(0.5), a.models:tensors(0.5), a.models:tensors(0.5)
      local function objective(_, batch) return loss(c, batch) + loss(x, batch) + loss(y, batch) end
      local function make(also)
        local l = learned(2, c .. also, objective)
        return l[1] * a.models[1] + l[2] * a.models[2]
      end
      a.score(make(x)) a.score(make(y))
      return a.models[1] ]]))
  end)
end)

describe("a search by loss:", function()
  --- The loss of a model that was written.
  local function loss_of(folder) return mw.eval(folder, { data = labels, threads = 1 })[1].loss end
  it("scores candidates with random draws as it scores what is written of them", function()
    for _, method in ipairs { "m3_dare", "m3_ties" } do
      local folder, scores = toy.path "-out", {}
      mw.merge(method, { base = PICO .. "base", experts = models, samples = 2 },
        { score = "loss:" .. labels, threads = 1, dtype = "f32", seed = 5, output = folder })
      for score in read(folder .. "/merge.lock.json"):gmatch '"score": (%-?[%d.e-]+)' do scores[#scores + 1] = tonumber(score) end
      assert.equal(2, #scores)
      assert.near(math.max(table.unpack(scores)), -loss_of(folder), 1e-5)
      assert.is_true(scores[1] ~= scores[2])
    end
  end)
end)
