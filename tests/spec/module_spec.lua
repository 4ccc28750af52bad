--- The Lua module as a pipeline uses it: what is given is read whole or refused by name, results are tables, callbacks may stop
--- the work, and an error leaves nothing behind.
package.path = "tests/spec/?.lua;" .. package.path
local toy, mw = require "toy", require "moonweld"
local read, refuses = toy.bytes, toy.refuses

local PICO = "tests/data/pico/"
local one, two = toy.write { w = { 1, 2, 3 }, v = { 4, 5 } }, toy.write { w = { 3, 2, 1 }, v = { 5, 4 } }

local function lerp(options, arguments)
  arguments = arguments or {}
  arguments.a, arguments.b = arguments.a or one, arguments.b or two
  return mw.plan("lerp", arguments, options)
end

local function exists(path)
  local file = io.open(path, "rb")
  return file and file:close()
end

describe("what the module gives", function()
  it("is the plan, with the keys of plan --json", function()
    local plan, warnings = lerp({ threads = 1 }, { t = 0.25 })
    assert.same({ "lerp", 1, 2, "0.25" }, { plan.recipe, plan.passes, plan.tensors, plan.arguments.t })
    assert.equal("integer", math.type(plan.bytes_read))
    assert.equal("model.safetensors", plan.outputs[1].file)
    assert.truthy(warnings[1]:find "lone file")
  end)

  it("explains on demand what each tensor gets of an argument that varies", function()
    local plan = lerp({ explain = true }, { t = "*v*=layers:0,1; 0.25" })
    local names = {}
    for i, entry in ipairs(plan.explained) do names[i] = ("%s %s %g"):format(entry.argument, entry.tensor, entry.number) end
    assert.same({ "t v 1", "t w 0.25" }, names)
    assert.is_nil(lerp({}, { t = "0,1" }).explained)
    assert.same({}, lerp({ explain = true }, { t = 0.5 }).explained)
    refuses("option 'explain' belongs to plan, not to merge", mw.merge, "lerp", { a = one, b = two }, { output = "x", explain = true })
    refuses("option 'explain' is true or false, not a string", mw.plan, "lerp", { a = one, b = two }, { explain = "yes" })
  end)
  it("is the plan of what was merged", function()
    local out = toy.path "-out"
    local plan = mw.merge("lerp", { a = one, b = two, t = 0.5 }, { output = out })
    assert.equal(2, plan.tensors)
    assert.same({ w = { 2, 2, 2 }, v = { 4.5, 4.5 } }, toy.read(out .. "/model.safetensors"))
  end)

  it("is what inspect --json says", function()
    local model, warnings = mw.inspect(PICO .. "kjv", { stats = true })
    local names = {}
    for i, tensor in ipairs(model.tensors) do names[i] = tensor.name end
    assert.equal("model.embed_tokens.weight,model.layers.0.input_layernorm.weight", table.concat(names, ",", 1, 2))
    assert.equal("BF16", model.tensors[1].dtype)
    assert.equal("integer", math.type(model.tensors[1].shape[1]))
    assert.equal("table", type(warnings))
  end)

  it("is a row a tensor of a difference", function()
    local rows = mw.diff(one, two, { threads = 1 })
    assert.same({ "v", "differs", 1 }, { rows[1].tensor, rows[1].state, rows[1].changed })
    assert.same({ 2 }, rows[1].a.shape)
  end)

  it("is a list of recipes, and a version", function()
    local names, sorted = mw.recipes(), mw.recipes()
    table.sort(sorted)
    assert.same(sorted, names)
    assert.truthy((" " .. table.concat(names, " ") .. " "):find(" ties ", 1, true))
    assert.truthy(mw.version:find "^%d+%.%d+%.%d+$")
  end)

  it("holds texts with escapes as they were", function()
    local odd = 'a "quoted" \\ path\t\xc3\xa9'
    os.rename(toy.model({ w = { 1 } }, nil, "{}"), toy.folder .. "/" .. odd)
    local plan = mw.plan("soup", { models = { toy.folder .. "/" .. odd } }, { threads = 1 })
    assert.equal(toy.folder .. "/" .. odd, plan.arguments.models[1])
  end)
end)

describe("options of the module", function()
  it("are refused where they are unknown, with what may be meant", function()
    refuses("there is no option 'dtpye' (did you mean 'dtype'?)", lerp, { dtpye = "f32" })
    refuses("there is no option 'zzzzzz'", lerp, { zzzzzz = 1 })
    refuses("options are named, such as { threads = 4 }", lerp, { "f32" })
    refuses("there is no option 'statts' (did you mean 'stats'?)", mw.inspect, one, { statts = true })
    refuses("there is no option 'output'", mw.diff, one, two, { output = "x" })
    refuses("there is no option 'seed'", mw.eval, PICO .. "kjv", { seed = 1 })
    refuses("table expected", lerp, 5)
  end)

  it("are held against their ranges, never cut", function()
    for name, cases in pairs {
      threads = { 0, -1, 1025, 2 ^ 32 + 1, 1.5, "four", 0 / 0, {} }, window = { 1, 2 ^ 32 + 5, -7 }, seed = { -1, 0.5, "x", 2 ^ 70 },
      shard_size = { 0, "5XB", -5 }, recipe_memory = { 0, "lots" }, recipe_seconds = { 0, -1, 1e30, 1 / 0, "5" }, score_timeout = { -1, {} },
    } do
      for _, value in ipairs(cases) do refuses("option '" .. name .. "' = ", lerp, { [name] = value }) end
    end
    refuses("option 'threads' = 4294967297: a whole number from 1 to 1024 is expected", mw.diff, one, two, { threads = 2 ^ 32 | 1 })
    refuses("option 'threads' = 0", mw.eval, PICO .. "kjv", { data = "x", threads = 0 })
  end)

  it("are of their types", function()
    refuses("option 'dtype' is a text, not a number", lerp, { dtype = 32 })
    refuses("option 'dtype' takes one value, not a list", lerp, { dtype = { "f32" } })
    refuses("option 'output' holds a NUL character", lerp, { output = "a\0b" })
    refuses("option 'force' is true or false, not a string", lerp, { force = "yes" })
    refuses("option 'missing' = 'model': 'base' is expected", lerp, { missing = "model" })
    refuses("option 'tied' = 'unite': expected one of untie|ignore", lerp, { tied = "unite" })
    refuses("option 'data' is a list: only values at 1, 2, 3 and so on", lerp, { data = { file = "x" } })
    refuses("option 'data' is a text, not a number", lerp, { data = { 5 } })
    refuses("option 'progress' is a function, not a string", lerp, { progress = "bar" })
    refuses("option 'data' is needed", mw.eval, PICO .. "kjv", {})
    refuses("option 'output' is needed", mw.merge, "lerp", { a = one, b = two }, {})
  end)

  it("are refused by a recipe that has no use for them", function()
    refuses("'lerp' does not use --data", lerp, { data = "labels.jsonl" })
    refuses("'lerp' does not use --score", lerp, { score = ": {dir}; echo 1" })
    refuses("does not name the candidate", mw.plan, "greedy_soup", { models = { one } }, { score = "echo 1" })
  end)

  it("take every spelling of a number", function()
    for _, seed in ipairs { 7, 7.0, "7" } do
      local out = toy.path "-out"
      mw.merge("soup", { models = { one } }, { output = out, seed = seed, shard_size = "1MB" })
      assert.truthy(read(out .. "/merge.lock.json"):find "%-%-shard%-size 1000000 %-%-seed 7")
    end
  end)
end)

describe("arguments of the module", function()
  it("are refused where they are unknown, with what may be meant", function()
    refuses("'lerp' has no argument 'tt'", lerp, {}, { tt = 1 })
    refuses("'soup' has no argument 'model' (did you mean 'models'?)", mw.plan, "soup", { model = one })
    refuses("'m3' has no argument 'seed' (it is an option of the merge)", mw.plan, "m3", { models = { one, two }, seed = 1 })
    refuses("arguments are named", mw.plan, "soup", { one, two })
    refuses("there is no recipe 'lepr' (did you mean 'lerp'?)", mw.plan, "lepr", {})
    refuses("table expected", mw.plan, "soup", one)
  end)

  it("are lists where there may be several, and one value elsewhere", function()
    refuses("argument 'a' of lerp takes one value, not a list", mw.plan, "lerp", { a = { one }, b = two })
    refuses("argument 't' of lerp takes one value, not a list; one that varies over the layers is a text, \"layers:0,0.5,1\"", lerp, {}, { t = { 0, 1 } })
    refuses("argument 'models' of soup is a list: only values at 1, 2, 3 and so on", mw.plan, "soup", { models = { one, nil, two } })
    refuses("argument 'models' of soup: value 1 is a list, expected one value", mw.plan, "soup", { models = { { one } } })
    refuses("argument 'models' of soup is a text, not a number", mw.plan, "soup", { models = 5 })
    assert.equal(1, #mw.plan("soup", { models = one }).arguments.models)
    assert.same({ "1", "3" }, mw.plan("soup", { models = { one, two }, weight = { 1, 3 } }).arguments.weight)
  end)

  it("are of the kind that the recipe declares", function()
    local flag = toy.text(".lua", 'return recipe { "A flag.", arg.model("a", "a model"), arg("on", true, "a flag"), arg("label", "x", "a text"), function(a) return a.a end }')
    assert.equal("false", mw.plan(flag, { a = one, on = false }).arguments.on)
    refuses("argument 'on' of", mw.plan, flag, { a = one, on = "true" })
    refuses("is a text, not a boolean", mw.plan, flag, { a = one, label = true })
    refuses("is a text, not a boolean", lerp, {}, { t = true })
    refuses("argument 't' of lerp is not a finite number", lerp, {}, { t = 0 / 0 })
    refuses("'density' = 5 is outside [0, 1]", mw.plan, "ties", { base = one, experts = { two }, density = 5 })
  end)

  it("keep every digit of a number", function()
    assert.equal("0.30000000000000004", lerp({}, { t = 0.1 + 0.2 }).arguments.t)
    assert.equal("0,0.5,1", lerp({}, { t = "0,0.5,1" }).arguments.t)
  end)

  it("may be as many as a recipe can have", function()
    local parts, arguments = {}, { x = one }
    for i = 1, 60 do
      parts[i] = ('arg("p%d", 0.5, "a number")'):format(i)
      arguments["p" .. i] = i / 64
    end
    local recipe = toy.text(".lua", 'return recipe { "Many.", arg.model("x", "a model"), ' .. table.concat(parts, ", ") .. ", function(a) return a.x end }")
    assert.equal("0.9375", mw.plan(recipe, arguments, { seed = 1, dtype = "f32", threads = 1 }).arguments.p60)
    assert.equal("0.5", mw.plan(recipe, { x = one }, {}).arguments.p60)
    local many = {}
    for i = 1, 300 do many[i] = one end
    assert.equal(300, #mw.plan("soup", { models = many }).arguments.models)
  end)
end)

describe("callbacks of the module", function()
  local folder = toy.path "-learned"
  local experts, short = { PICO .. "kjv", PICO .. "py" }, { PICO .. "data/kjv.calibration.safetensors", PICO .. "data/py.calibration.safetensors" }

  it("are told of bytes", function()
    local last, calls = {}, 0
    mw.merge("soup", { models = experts }, { output = toy.path "-out", progress = function(done, total, pass) last, calls = { done, total, pass }, calls + 1 end })
    assert(calls > 0 and last[1] <= last[2] and last[3] == 1, table.concat(last, " "))
    local compared = 0
    mw.diff(experts[1], experts[2], { progress = function(done, total) assert(done <= total) compared = done end })
    assert(compared > 0)
  end)

  it("are told of scores, and of what a recipe prints", function()
    local scores, lines = {}, {}
    local recipe = toy.text(".lua", [[return recipe { "Prints.", arg.models("models", "models"), arg.score(), function(a)
      print "first" a.score(a.models[2]) print "second" return a.models[1] end }]])
    mw.merge(recipe, { models = { one, two } }, { output = toy.path "-out", score = "test -d {dir} && echo 0.5",
      scored = function(s) scores[#scores + 1] = s end, print = function(line) lines[#lines + 1] = line end })
    assert.same({ "first", "second" }, lines)
    assert.same({ 1, 0.5, "models[2]" }, { scores[1].candidate, scores[1].score, scores[1].made_of })
    assert(#scores == 1 and scores[1].seconds > 0)
  end)

  it("are told of steps of learning", function()
    local steps = {}
    mw.merge("dam", { experts = experts, steps = 2, windows = 1 }, { data = short, output = folder, threads = 1, learning = function(s) steps[#steps + 1] = s end })
    assert.same({ 2, 1, 2, 1, 1 }, { #steps, steps[1].step, steps[1].steps, steps[1].training, steps[1].trainings })
    assert(steps[1].loss > 0)
  end)

  it("are told of windows that are predicted", function()
    local told, few = {}, { toy.text(".jsonl", "[1, 2, 3]\n"), toy.text(".jsonl", "[4, 5]\n[6, 7]\n") }
    mw.eval(PICO .. "kjv", { data = few, threads = 1, progress = function(done, total, file) told = { done == total, file } end })
    assert.same({ true, 2 }, told)
  end)

  it("stop the work when they return false", function()
    local out = toy.path "-out"
    local function no() return false end
    refuses("interrupted", mw.merge, "soup", { models = experts }, { output = out, progress = no })
    refuses("interrupted", mw.diff, experts[1], experts[2], { progress = no })
    refuses("interrupted", mw.eval, PICO .. "kjv", { data = short, progress = no })
    assert.falsy(exists(out .. "/model.safetensors"))
  end)

  it("stop the work by an error, which is the one that is raised", function()
    local mine, calls = setmetatable({}, {}), 0
    local function fail() calls = calls + 1 error(mine) end
    local printing = toy.text(".lua", 'return recipe { "Prints.", arg.model("a", "a model"), function(a) for i = 1, 9 do print(i) end return a.a end }')
    local function raises(name, f, ...)
      local out, before = toy.path "-out", calls
      local arguments = { ... }
      arguments[#arguments].output = f == mw.merge and out or nil
      local ok, err = pcall(f, table.unpack(arguments))
      assert(not ok and rawequal(err, mine), name .. ": " .. tostring(err))
      assert.equal(before + 1, calls, name)
      assert.falsy(exists(out .. "/model.safetensors"))
    end
    raises("progress", mw.merge, "soup", { models = experts }, { progress = fail, threads = 2 })
    raises("scored", mw.merge, "greedy_soup", { models = { one, two } }, { score = ": {dir}; echo 1", scored = fail })
    raises("print", mw.plan, printing, { a = one }, { print = fail })
    raises("learning", mw.merge, "dam", { experts = experts, steps = 3, windows = 1 }, { data = short, learning = fail, threads = 1 })
    raises("diff", mw.diff, experts[1], experts[2], { progress = fail })
    raises("eval", mw.eval, PICO .. "kjv", { data = short, progress = fail })
  end)

  it("may call the module", function()
    local inner
    mw.merge("soup", { models = experts }, { output = toy.path "-out", progress = function()
      if inner then return end
      inner = toy.path "-inner"
      mw.merge("lerp", { a = one, b = two, t = 0.5 }, { output = inner })
    end })
    assert.same({ 2, 2, 2 }, toy.read(inner .. "/model.safetensors").w)
  end)

  it("cannot yield over the library", function()
    local thread = coroutine.create(function() return mw.plan(toy.text(".lua",
      'return recipe { "Prints.", arg.model("a", "a model"), function(a) print "x" return a.a end }'), { a = one }, { print = coroutine.yield }) end)
    local ok, err = coroutine.resume(thread)
    assert(not ok and tostring(err):find("attempt to yield across a C-call boundary", 1, true), tostring(err))
  end)
end)

describe("an error in the module", function()
  --- Kilobytes of memory that the process has.
  local function resident() return tonumber(read("/proc/self/statm"):match "^%d+ (%d+)") * 4 end

  it("leaves nothing behind", function()
    local cases = {
      function() mw.plan("lerp", { a = { {} }, b = "x", t = 0.5 }, {}) end,
      function() mw.plan("lerp", { a = one, b = "none.safetensors" }, {}) end,
      function() mw.plan("ties", { base = one, experts = { {} } }, { seed = 3 }) end,
      function() mw.inspect(PICO .. "kjv", { stats = 1 }) end,
    }
    for _, case in ipairs(cases) do
      for _ = 1, 5 do assert(not pcall(case)) end
      collectgarbage "collect"
      local before = resident()
      for _ = 1, 24 do pcall(case) end
      collectgarbage "collect"
      assert(resident() - before < 4000, ("%d kB more than %d"):format(resident() - before, before))
    end
  end)

  it("does not end the program: a recipe's process that is gone when its score comes", function()
    local script = toy.text(".lua", ([[
      local mw = require "moonweld"
      print(pcall(mw.merge, "greedy_soup", { models = { "%s", "%s" } }, { output = "%s",
        score = "for p in $(cat /proc/$PPID/task/*/children); do [ $p = $$ ] || kill -9 $p; done; sleep 0.2; : {dir}; echo 1" })) ]]):format(one, two, toy.path "-out"))
    local pipe = io.popen("lua5.4 " .. script .. " 2>&1")
    local text = pipe:read "a"
    local _, how, code = pipe:close()
    assert(how == "exit" and code == 0 and text:find "^false.*the recipe", ("%s %s %s"):format(how, code, text))
  end)
end)

describe("outputs that are there", function()
  local out = toy.path "-proven"
  mw.merge("lerp", { a = one, b = two, t = 0.25 }, { output = out, no_sync = true })

  it("are verified: what is wrong is a finding, and no error", function()
    local done
    local facts = mw.verify(out, { inputs = true, progress = function(bytes, total) done = bytes / total end })
    assert.same({ true, 4, 0, {} }, { facts.good, facts.files, facts.sealed, facts.findings })
    assert.equal("integer", math.type(facts.bytes))
    assert.equal(1, done)
    local card = read(out .. "/README.md")
    local file = assert(io.open(out .. "/README.md", "wb"))
    file:write(card .. "x"):close()
    facts = mw.verify(out)
    assert.same({ false, 1, out .. "/README.md", "changed" }, { facts.good, #facts.findings, facts.findings[1].path, facts.findings[1].state })
    assert.truthy(facts.findings[1].text:find("has " .. #card + 1 .. " bytes", 1, true))
    file = assert(io.open(out .. "/README.md", "wb"))
    file:write(card):close()
    assert.is_true(mw.verify(out .. "/merge.lock.json").good)
    assert.is_true(mw.verify(out, { inputs = true, input = "a=" .. one, models = toy.folder }).good)
    facts = mw.verify(out, { inputs = true, input = { "a=" .. two, "b=" .. two } })
    assert.same({ false, two, "changed" }, { facts.good, facts.findings[1].path, facts.findings[1].state })
  end)

  it("are made again, and compared", function()
    local again, line = toy.path "-again", nil
    local facts = mw.rebuild(out, { output = again, threads = 1, no_sync = true, print = function(text) line = text end, progress = function() end })
    assert.same({ true, 2, nil }, { facts.good, facts.files, line })
    assert.equal(read(out .. "/model.safetensors"), read(again .. "/model.safetensors"))
    facts = mw.rebuild(out, { output = again, force = true, no_sync = true, input = "a=" .. two })
    assert.same({ false, "changed" }, { facts.good, facts.findings[1].state })
  end)

  it("are sealed", function()
    local seal = mw.seal(out, { progress = function() end })
    assert.truthy(seal.sha256:find "^%x+$" and #seal.sha256 == 64)
    assert.truthy(read(out .. "/moonweld/seal.json"):find(seal.sha256, 1, true))
    assert.equal(3, mw.verify(out).sealed)
  end)

  it("lose what stopped runs have left beside them", function()
    assert.same({}, mw.clean(out))
    os.execute("mkdir '" .. out .. ".partial-01234567' && echo x > '" .. out .. ".partial-01234567/model.safetensors'")
    local removed = mw.clean(out)
    assert.same({ out .. ".partial-01234567", "integer" }, { removed[1].path, math.type(removed[1].bytes) })
    assert.same({}, mw.clean(out))
  end)

  it("raise what is no finding", function()
    refuses("no such file or folder", mw.verify, "/nowhere")
    refuses("merge.lock.json: not there", mw.seal, PICO .. "kjv")
    refuses("names no input of the lock", mw.verify, out, { inputs = true, input = { "c=x" } })
    refuses("option 'output' is needed", mw.rebuild, out, {})
    refuses("there is no option 'dtype'", mw.rebuild, out, { output = "x", dtype = "f32" })
    refuses("there is no option 'input'", mw.seal, out, { input = "a=x" })
    refuses("option 'inputs' is true or false, not a string", mw.verify, out, { inputs = "yes" })
    refuses("option 'models' is a text, not a boolean", mw.verify, out, { models = true })
    refuses("there is no option 'force'", mw.clean, out, { force = true })
    refuses("oh no", mw.verify, out, { progress = function() error "oh no" end })
    refuses("interrupted", mw.seal, out, { progress = function() return false end })
    refuses("/nowhere: no such file or folder", mw.rebuild, out, { output = toy.path "-none", input = { "a=/nowhere" } })
  end)
end)
