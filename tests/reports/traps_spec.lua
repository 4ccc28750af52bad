--- traps_spec.lua: what reads like a merge and would be another one, in silence: seven kinds, each as people write it. What is right beside
-- it still runs, to the numbers that are worked out here by hand.
package.path = "tests/reports/?.lua;" .. package.path
local M = require "models"

local function model(name, q, up)
  M.safetensors(name .. ".safetensors", { ["model.layers.0.q_proj.weight"] = { "F32", { 2, 2 }, q }, ["model.layers.0.up_proj.weight"] = { "F32", { 2, 2 }, up } })
end
model("x", { 1, 2, 3, 4 }, 1)
model("y", { 3, 2, 1, 8 }, 3)
model("z", { 5, 6, 7, 8 }, 5)
local Q = "model.layers.0.q_proj.weight"

--- Runs recipe bodies by one shell: { code =, said =, made = } of each. `a` has x, y, z and list (y and z).
local kinds = 0
local function run_all(rows)
  local lines, results = {}, {}
  kinds = kinds + 1
  local own = "own" .. kinds .. "_"
  for i, row in ipairs(rows) do
    M.write(own .. i .. ".lua", 'return recipe { "d", arg.model("x", "x"), arg.models("list", "l"), arg("t", 0.5, "t"), arg.seed(), function(a)\nlocal x, list, seed = a.x, a.list, a.seed ' ..
      "local y, z = list[1], list[2]\n" .. row[1] .. " end }")
    lines[i] = ("moonweld %s%d.lua --x x.safetensors --list y.safetensors z.safetensors -o %s%d.safetensors\necho \"== $?\""):format(own, i, own, i)
  end
  local _, said = M.run(table.concat(lines, "\n"))
  for text, code in said:gmatch "(.-)== (%d+)\n" do results[#results + 1] = { code = tonumber(code), said = text, made = M.read(own .. (#results + 1) .. ".safetensors") } end
  assert(#results == #rows, said)
  return results, own
end

--- Rows { body, words of an error } or { body, values = the four numbers of q_proj }.
local function check(rows)
  local results, own = run_all(rows)
  for i, row in ipairs(rows) do
    it(row[1], function()
      local result = results[i]
      if not row[2] then
        assert.equal(0, result.code, result.said)
        for k, value in ipairs(row.values or {}) do assert.near(value, result.made[Q][k], 1e-5) end
        return
      end
      assert(result.code == 65, ("exit %d: %s"):format(result.code, result.said))
      assert(result.said:find(own .. i .. ".lua:3: ", 1, true), result.said)
      for k = 2, #row do assert(result.said:find(row[k], 1, true), ("'%s' is not said in: %s"):format(row[k], result.said)) end
      assert.is_nil(result.made)
    end)
  end
end

describe("1: an argument too many:", function()
  check {
    { "return x:norm{dim = 1} * x", "no option 'dim'", "per = \"row\"" },
    { "return mean(list, {.2, .3})", "mean" },
    { "return x:abs(3)", "abs" },
    { "return where(x:gt(y), x, y, z)", "where" },
    { "return lerp(x, y, 0.5, 1)", "lerp" },
    { "return x:clamp(0, 1, 2)", "clamp" },
    { "return x:keep_top(0.5, {pre = 'row'}) + x", "no option 'pre'", "did you mean 'per'?" },
    { "return mean(list)", values = { 4, 4, 4, 8 } },
    { "return lerp(x, y, 0.5)", values = { 2, 2, 2, 6 } },
  }
end)

describe("2: one draw for two models:", function()
  local shared = "share"
  check {
    { "return x + mean{ (y - x):drop_rescale(0.5, seed), (z - x):drop_rescale(0.5, seed) }", shared, "at(" },
    { "local r = {} for i, e in ipairs(list) do r[i] = (e - x):drop_rescale(0.5, seed) end return x + mean(r)", shared, "at(" },
    { "return x + mean(list:map(function(e) return (e - x):drop_rescale(0.5, seed) end))", shared, "at(" },
    { "return x + mean{ (y - x) * y:bernoulli(0.5, seed), (z - x) * z:bernoulli(0.3, seed) }", shared, "at(" },
    { "return x + 0 * (y:normal(seed) * y + z:normal(seed) * z - y)", shared, "at(" },
    { "local r = {} for i, e in ipairs(list) do r[i] = (e - x):drop_rescale(0.5, seed:at(i)) end return x + mean(r)" },
    { "local tau = (y - x):drop_rescale(0.5, seed) return x + 0.5 * tau + 0.5 * tau" },
    { "return x + mean(list:map(function(e, i) return (e - x):drop_rescale(0.5, seed:at(i)) end))" },
  }
end)

describe("3: a condition on what is not known:", function()
  check {
    { "if x:norm():gt(1) then return y end return x", "'if' always takes" },
    { "local w = x:cosine(y):gt(0.5) and 1 or 0 return w * y + (1 - w) * x", "'and' always takes" },
    { "local c = x:cosine(y) if not c then return y end return x", "'not' always takes" },
    { "local c = x:cosine(y) if c > 0.5 then return y end return x", "'>' can only answer true or false" },
    { "if x:norm() == 0 then return y end return x", "'==' is always false" },
    { "while x:dot(y) do return x end return y", "'while' always takes" },
    { "local best, most if not best or a.t > most then best = x end return best", values = { 1, 2, 3, 4 } },
    { "local c = x:cosine(y) return where(c:gt(2), x, y)", values = { 3, 2, 1, 8 } },
  }
end)

describe("4: a list in the place of a gradient:", function()
  local M2, M3 = "y.safetensors z.safetensors", "x.safetensors y.safetensors z.safetensors"
  local rows = {
    { 64, "soup --models " .. M2 .. " --weight 0.3,0.7", "--weight 0.3 0.7", "--weight layers:0.3,0.7" },
    { 64, "soup --models " .. M3 .. " --weight 1,2,3", "--weight 1 2 3", "layers:1,2,3" },
    { 64, "ties --base x.safetensors --experts " .. M2 .. " --density 0.5,1", "--density 0.5 1", "layers:0.5,1" },
    { 64, "task_arithmetic --base x.safetensors --experts " .. M2 .. " --weight 0.3,0.7", "--weight 0.3 0.7", "layers:0.3,0.7" },
    { 0, "soup --models " .. M2 .. " --weight 0.3 0.7" },
    { 0, "soup --models " .. M2 .. " --weight layers:0.3,0.7" },
    { 0, "soup --models " .. M3 .. " --weight 0.3,0.7" },
    { 0, "lerp --a x.safetensors --b y.safetensors --t 0,1" },
  }
  local lines = {}
  for i, row in ipairs(rows) do lines[i] = ("moonweld %s -o list%d.safetensors; echo \"== $?\""):format(row[2], i) end
  local results = {}
  for text, code in select(2, M.run(table.concat(lines, "\n"))):gmatch "(.-)== (%d+)\n" do results[#results + 1] = { tonumber(code), text } end
  for i, row in ipairs(rows) do
    it(row[2], function()
      assert.equal(row[1], results[i][1], results[i][2])
      for k = 3, #row do assert(results[i][2]:find(row[k], 1, true), results[i][2]) end
    end)
  end
end)

describe("5: whose configuration and files the output has", function()
  local config = '{"model_type": "toy", "name": "%s"}'
  for _, name in ipairs { "one", "two" } do
    M.model(name, { ["model.layers.0.w"] = { "F32", { 2 }, name == "one" and 1 or 3 } }, config:format(name), { ["notes.txt"] = name })
  end
  local function donor_is(command, label, name)
    local code, planned = M.run("moonweld plan " .. command)
    assert.equal(0, code, planned)
    assert.truthy(planned:find("donor +" .. label:gsub("%p", "%%%0")), planned)
    local made, said, out = M.made("moonweld " .. command)
    assert.truthy(said:find("donor: " .. label, 1, true), said)
    assert.equal(name, M.bytes(out .. "/notes.txt"))
    assert.truthy(M.bytes(out .. "/config.json"):find(name, 1, true))
    return made["model.layers.0.w"][1]
  end
  it("is the first model's", function() assert.near(1.5, donor_is("lerp --a one --b two --t 0.25", "a", "one"), 1e-6) end)
  it("is the base's, wherever it stands", function() assert.near(1, donor_is("task_arithmetic --experts two --base one --scale 0", "base", "one"), 1e-6) end)
  it("is another's by --donor, and the tensors are merged as before", function()
    assert.near(1.5, donor_is("lerp --a one --b two --t 0.25 --donor b", "b", "two"), 1e-6)
    assert.near(1.5, donor_is("lerp --a one --b two --t 0.25 --donor two", "b", "two"), 1e-6)
    assert.near(2, donor_is("task_arithmetic --experts two --base one --scale 0.5 --donor 'experts[1]'", "experts[1]", "two"), 1e-6)
  end)
end)

describe("6: the weight of models:", function()
  check {
    { "return sum(list)", "weighs 2 models, not 1" },
    { "return y - x", "weighs 0 models, not 1" },
    { "return (y - x):abs():gt(1) * (y - x)", "weighs 0 models, not 1" },
    { "return 0.5 * x", "weighs 0.5 models, not 1" },
    { "return x + y - x + z", "weighs 2 models, not 1" },
    { "return 2 * (y - x) + (z - x)", "weighs 0 models, not 1" },
    { "return a.t * (z - x):keep_top(0.5)", "weighs 0 models, not 1" },
    { "return x * (1 + 0.1 * (y - x))", values = { 1.2, 2, 2.4, 5.6 } },
    { "local w = list:map(function(m) return 1 / m:norm() end) return sum{ w[1] * y, w[2] * z } / (w[1] + w[2])" },
    { "return x + (y - x) * (z - x)", values = { 9, 2, -5, 20 } },
    { "return x + 1 / (2 + (y - x):abs())", values = { 1.25, 2.5, 3.25, 4 + 1 / 6 } },
    { "return 2 * x - y", values = { -1, 2, 5, 0 } },
    { "return (x + y) / 2", values = { 2, 2, 2, 6 } },
  }
end)

describe("7: a malformed field:", function()
  local fields = { "*q*=", "=0.5", "*q*=x", "*q*", "0.5;0.6", "*q*=0.5;;0.1", "*q*=0.5,", ",0.5", "*q*=0.5=0.6", "0.5 0.6", "layers:", "layers:a", "*q*=nan" }
  local lines, results = {}, {}
  for i, field in ipairs(fields) do lines[i] = ("moonweld lerp --a x.safetensors --b y.safetensors --t '%s' -o field%d.safetensors; echo \"== $?\""):format(field, i) end
  for text, code in select(2, M.run(table.concat(lines, "\n"))):gmatch "(.-)== (%d+)\n" do results[#results + 1] = { tonumber(code), text } end
  for i, field in ipairs(fields) do
    it("--t '" .. field .. "'", function()
      assert(results[i][1] == 64 or results[i][1] == 65, ("exit %d: %s"):format(table.unpack(results[i])))
      assert(results[i][2]:find("--t", 1, true), results[i][2])
      assert.falsy(M.bytes("field" .. i .. ".safetensors"))
    end)
  end
  it("one that is well formed runs", function()
    local _, made = assert(M.run "moonweld lerp --a x.safetensors --b y.safetensors --t '*q*=0,1; 0.5' -o field.safetensors")
    assert.truthy(M.bytes "field.safetensors", made)
  end)
end)
