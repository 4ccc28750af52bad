--- Limits hold: whatever a recipe does, its plan is made or refused in about the time that a recipe may take.
package.path = "tests/reports/?.lua;" .. package.path
local M = require "models"

--- A file of many tensors of two rows and columns.
local function many(file, count)
  local tensors = {}
  for i = 1, count do tensors[("model.layers.%d.w%d.weight"):format(i // 10, i % 10)] = { "F32", { 2, 2 }, i } end
  M.safetensors(file, tensors)
end
many("one.safetensors", 1)
many("six.safetensors", 6000)

local function recipe(name, body)
  M.write(name, 'return recipe { "A recipe.", arg.model("base", "a model"), arg.seed(), function(a)\nlocal x = a.base\n' .. body .. "\nreturn x\nend }\n")
end

--- Plans within so many seconds of CPU time, all processes together; gives the exit code and what was said. A coverage build, which counts
--- what it executes, may take ten times as many.
local slow = (os.getenv "MOONWELD_BUILD" or ""):find "coverage" and 10 or 1
local function planned(name, model, seconds)
  seconds = seconds * slow
  local code, said = M.run(("ulimit -t %d; moonweld plan ./%s --base %s > plan.txt; code=$?; [ $code != 0 ] || cat plan.txt; (exit $code)"):format(seconds, name, model))
  assert(code == 0 or code == 65, ("exit %s: %s"):format(code, said))
  return code, said
end

describe("a plan is made or refused soon", function()
  local shapes = {
    ["8000 chained norms"] = "for i = 1, 8000 do x = x * (x:norm() / x:norm()) end",
    ["8000 chained totals of which the sign counts"] = "for i = 1, 8000 do x = x + 0 * a.base * x:total():sign() end",
    ["8000 chained selections"] = "for i = 1, 8000 do x = where(x:abs():ge(x:kth_magnitude(2)), x, a.base) end",
    ["8000 chained draws"] = "for i = 1, 8000 do x = x + 0 * x:normal(a.seed:at(i)) end",
    ["8000 chained draws and choices"] = "for i = 1, 8000 do x = where(x:bernoulli(0.5, a.seed:at(i)), x, a.base) end",
    ["20000 chained choices"] = "for i = 1, 20000 do x = where(x:gt(i), x, a.base) end",
    ["a sum of 8000 draws"] = "local s = x for i = 1, 8000 do s = s + 0 * x:normal(a.seed:at(i)) end x = s",
    ["a sum of 8000 norms"] = "local s = 0 for i = 1, 8000 do s = s + (x + i * x):norm() end x = x * (1 + 0 * s)",
    ["8000 chained functions of matrices"] = "x = x:map(function(t) for i = 1, 8000 do local u = svd(t) t = t + 0 * u end return t end)",
    ["8000 functions of matrices, one of the other"] = "x = x:map(function(t) for i = 1, 8000 do t = orthogonal(t) end return t end)",
    ["a deep balanced tree"] = "local l = {} for i = 1, 8192 do l[i] = x * i end\n" ..
      "while #l > 1 do local k = {} for i = 1, #l, 2 do k[#k + 1] = (l[i] + l[i + 1]) * 0.5 end l = k end x = x + 0 * l[1]",
  }
  for name, body in pairs(shapes) do
    it("of " .. name, function()
      recipe("shape.lua", body)
      planned("shape.lua", "one.safetensors", 3)
    end)
  end
  it("of 6000 tensors that share one large expression", function()
    recipe("shape.lua", [[
      local first
      x:map(function(t) first = first or t return t end)
      local sum = first
      for i = 1, 20000 do sum = sum + first * i end
      sum = first + 0 * sum * sum:total():sign()
      x = x:map(function(t) return (sum + t) * 0.5 end)]])
    local code, said = planned("shape.lua", "six.safetensors" .. (slow > 1 and " --recipe-seconds 60" or ""), 10)
    assert.equal(65, code)
    assert.is_truthy(said:find("more than %d+ steps for an element of each tensor"), said)
  end)
end)

describe("a time that is over", function()
  -- The soft limit names the line; a second later a hard one ends what no line can: a pattern that backtracks, for example.
  for name, body in pairs { ["while it computes"] = "while true do x = x + a.base end", ["in a long call"] = "string.rep('a', 30):find(string.rep('a-', 30) .. 'b')",
    ["in its own tail call"] = "local function turn(y) return turn(y * 2) end x = turn(x)" } do
    it("ends a recipe " .. name, function()
      recipe("endless.lua", body)
      local code, said = planned("endless.lua", "one.safetensors --recipe-seconds 0.5", 4)
      assert.equal(65, code)
      assert.is_truthy(said:find("endless.lua:3: the recipe takes too long", 1, true) or name == "in a long call" and said:find("too long", 1, true), said)
    end)
  end
end)

describe("an error late in a long recipe", function()
  -- Where the line is known at once, it needs no second run, for which there may be no time.
  local late = "for i = 1, 3000 do x = (x + i * a.base):abs() end "
  for wrong, message in pairs { ["x = x + {}"] = "a tensor or a number is needed here", ["x = x:clamp(1, {}, 3)"] = "this is written", ["x = x:keep_top(2)"] = "outside [0, 1]",
    ["error 'no'"] = "no", ["x = a.seed:beta(0, 1)"] = "positive number", ["x = x['nothing.here']"] = "no tensor is called" } do
    it("has its line: " .. wrong, function()
      recipe("late.lua", late .. "\n" .. wrong)
      local _, said = planned("late.lua", "one.safetensors", 20)
      assert.is_truthy(said:find("late.lua:4: ", 1, true) and said:find(message, 1, true), said)
    end)
  end
  it("keeps its reason where the line is not found in time", function()
    recipe("late.lua", "local function wrong(y) return y:clamp(1, 2, 3) end\n" .. late:rep(4) .. "\nx = wrong(x)")
    local code, said = planned("late.lua", "one.safetensors --recipe-seconds " .. 3 * slow, 20)
    assert.equal(65, code)
    assert.is_truthy(said:find("late.lua", 1, true) and said:find("this is written x:clamp(low, high)", 1, true), said)
  end)
end)

describe("limits of the shell", function()
  for _, limit in ipairs { "-t 2", "-d 700000", "-f 100000", "-c 0", "-n 64", "-u 4000" } do
    it("such as ulimit " .. limit .. " are no hindrance", function()
      recipe("plain.lua", "")
      M.made("ulimit " .. limit .. "; moonweld ./plain.lua --base one.safetensors")
    end)
  end
end)

describe("numbers that are drawn", function()
  local each = "x = x:map(function(t, n) local u = a.seed:at(n):uniform() return t * u + t * (1 - u) end)"
  it("may be one for each of many tensors, and are in the lock file", function()
    recipe("each.lua", each)
    local _, _, out = M.made("moonweld ./each.lua --base six.safetensors")
    local _, count = M.bytes(out .. "/merge.lock.json"):gsub('"what":%s*"seed/model', "")
    assert.equal(6000, count)
  end)
  it("are bounded, and what is too much is called so", function()
    recipe("flood.lua", "while true do a.seed:uniform() end")
    local code, said = planned("flood.lua", "one.safetensors", 3)
    assert.equal(65, code)
    assert.is_truthy(said:find("draws too many numbers", 1, true), said)
  end)
end)

describe("open files", function()
  -- Two models of 1200 shards together.
  for _, model in ipairs { "s1", "s2" } do
    local map = {}
    for i = 1, 600 do
      local file = ("model-%05d-of-00600.safetensors"):format(i)
      M.safetensors(model .. "/" .. file, { ["layers." .. i] = { "F32", { 2 }, i } })
      map[i] = ('"layers.%d":"%s"'):format(i, file)
    end
    M.write(model .. "/model.safetensors.index.json", '{"metadata":{"total_size":4800},"weight_map":{' .. table.concat(map, ",") .. "}}")
    M.write(model .. "/config.json", '{"model_type":"toy"}')
  end
  local whole, parts
  for _, limit in ipairs { "-Sn 1024", "-n 64", "-n 20" } do
    it("are as few as ulimit " .. limit .. " says, and the output is the same", function()
      local _, _, out = M.made("ulimit " .. limit .. "; moonweld lerp --a s1 --b s2 --no-sync")
      whole = whole or M.bytes(out .. "/model.safetensors")
      assert.equal(whole, M.bytes(out .. "/model.safetensors"))
    end)
    it("are as few as ulimit " .. limit .. " says for an output of hundreds of shards", function()
      local code, said = M.run("rm -rf shards; ulimit " .. limit .. "; moonweld lerp --a s1 --b s2 --t 0 --shard-size 16 --no-sync --quiet -o shards 2> /dev/null && ls shards | wc -l && " ..
        "cat shards/model-*.safetensors | cksum")
      assert(code == 0 and tonumber(said:match "%d+") > 200, said)
      parts = parts or said
      assert.equal(parts, said)
    end)
  end
end)

describe("little stack", function()
  for name, command in pairs { merge = "ties --base one.safetensors --experts one.safetensors -o stacked --force --quiet --no-sync", version = "--version" } do
    it("ends " .. name .. " with 0 or 71", function()
      for _, kilobytes in ipairs { 64, 100, 255, 256, 300 } do
        local code, said = M.run(("(ulimit -s %d; moonweld %s > /dev/null)"):format(kilobytes, command))
        assert(code == (kilobytes < 256 and 71 or 0), ("exit %s with %d KB: %s"):format(code, kilobytes, said))
      end
    end)
  end
end)

describe("little address space", function()
  for name, command in pairs { version = "--version", list = "list", help = "help", inspect = "inspect one.safetensors", plan = "plan lerp --a one.safetensors --b one.safetensors",
    merge = "lerp --a one.safetensors --b one.safetensors -o space --force --quiet", vote = "ties --base one.safetensors --experts one.safetensors one.safetensors " ..
      "--profile mergekit --density 0.5 -o space --force --quiet --threads 2", diff = "diff one.safetensors one.safetensors", stats = "inspect one.safetensors --stats" } do
    it("ends " .. name .. " with 0 or 71, and soon", function()
      for _, kilobytes in ipairs { 10000, 12500, 15000, 20000, 21500, 22000, 22500, 30000, 40000, 60000, 100000, 200000 } do
        local code, said = M.run(("(ulimit -v %d; moonweld %s > /dev/null)"):format(kilobytes, command))
        -- Below some size not even the dynamic loader has room for the libraries.
        assert(code == 0 or code == 71 or code == 127 and kilobytes < 60000 and said:find "shared", ("exit %s with %d KB: %s"):format(code, kilobytes, said))
      end
    end)
  end
end)

describe("a side file", function()
  -- The command of a score stands for whoever writes to an input while a merge runs.
  for what, command in pairs { changed = "echo more >> a/notes.txt", replaced = "ln -sf /etc/hostname a/notes.txt", removed = "rm a/notes.txt", added = "touch a/more.txt" } do
    it("that is " .. what .. " during a merge ends it, and nothing is published", function()
      M.write("search.lua", 'return recipe { "A search.", arg.model("base", "a model"), arg.score(), function(a) a.score(a.base) return a.base end }')
      M.run "rm -rf a"
      M.model("a", { w = { "F32", { 2 }, 1 } }, '{"model_type": "toy"}', { ["notes.txt"] = "notes" })
      M.write("judge.sh", command .. "; echo 1")
      local said = M.refused("moonweld ./search.lua --base a --score 'sh judge.sh {dir}'", "since the merge began")
      assert.is_truthy(said:find("a/notes.txt: ", 1, true) or said:find("a/more.txt: is new", 1, true), said)
    end)
  end
end)

describe("a recipe that is required", function()
  it("is the file that was opened, and lies beside", function()
    M.write("secret/other.lua", 'return recipe { "Other.", arg.model("base", "a model"), function(a) return a.base end }')
    M.write("beside/main.lua", 'local o = require "other"\nreturn recipe { "Main.", arg.model("base", "a model"), function(a) return o { base = a.base } end }')
    M.run "ln -sf ../secret/other.lua beside/other.lua"
    M.refused("moonweld ./beside/main.lua --base one.safetensors", "'other.lua' is a link that leads out of the recipe's folder")
    -- A link that turns to and fro: either file may be met, but never what lies outside.
    M.write("beside/inside.lua", 'return recipe { "Inside.", arg.model("base", "a model"), function(a) return a.base end }')
    local _, said = M.run("(for i in $(seq 3000); do ln -sfn inside.lua beside/o; mv -T beside/o beside/other.lua; ln -sfn ../secret/other.lua beside/o; " ..
      "mv -T beside/o beside/other.lua; done) & turning=$!; for i in $(seq 60); do moonweld plan ./beside/main.lua --base one.safetensors --json 2>&1 | " ..
      "grep -o '\"passes\"\\|leads out of'; done; kill $turning; wait $turning 2> /dev/null; true")
    for line in said:gmatch "[^\n]+" do assert(line == '"passes"' or line == "leads out of", line) end
  end)
end)
