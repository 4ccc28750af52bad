--- wordings_spec.lua: what people write who know another tool, library or language, and what they are told: the place, what was found,
-- and what to write here.
package.path = "tests/reports/?.lua;" .. package.path
package.cpath = (os.getenv "MOONWELD_BUILD" or "build") .. "/?.so;" .. package.cpath
local M = require "models"

local one = { ["model.layers.0.w"] = { "F32", { 2 }, 1 }, ["model.norm.weight"] = { "F32", { 2 }, 1 } }
for _, folder in ipairs { "a", "b", "models/first", "models/second", "deep/folder/model" } do M.model(folder, one, "{}") end

--- Runs all command lines by one shell: { code =, said = } of each.
local function run_all(commands)
  local lines, results = {}, {}
  for i, command in ipairs(commands) do lines[i] = ("moonweld %s\necho \"== $?\""):format(command) end
  local _, said = M.run(table.concat(lines, "\n"))
  for text, code in said:gmatch "(.-)== (%d+)\n" do results[#results + 1] = { code = tonumber(code), said = text } end
  assert(#results == #commands, said)
  return results
end

local function check(result, code, ...)
  assert(result.code == code, ("exit %s: %s"):format(result.code, result.said))
  for _, words in ipairs { ... } do assert(result.said:find(words, 1, true), ("'%s' is not said in: %s"):format(words, result.said)) end
end

describe("in a recipe,", function()
  local outside = "a recipe sees no files, programs, clock or environment, so that a merge can be made again; what it needs comes in by its arguments"
  local chance = "a merge can be made again, so a recipe has no chance of its own; declare arg.seed()"
  local rows = {
    -- conditions on numbers that are not known yet
    { "local cos = a.x:cosine(a.y) if cos > 0.5 then end", "'>' can only answer true or false here; use a:gt(b), which gives a mask, and where(mask, x, y)" },
    { "local cos = a.x:cosine(a.y) if 0.5 < cos then end", "'<' can only answer", "a:lt(b)" },
    { "local cos = a.x:cosine(a.y) if cos >= a.t then end", "'>=' can only answer", "a:ge(b)" },
    { "local cos = a.x:cosine(a.y) if cos <= 1 then end", "'<=' can only answer", "a:le(b)" },
    { "if a.x == a.y then end", "'==' can only answer", "a:eq(b)" },
    { "if a.x ~= a.y then end", "'~=' can only answer", "a:ne(b)" },
    { "local c = a.x:cosine(a.y) if c == 1 then end", "'==' is always false of what ':cosine' gives", "x:eq(y)" },
    { "local c = a.x:cosine(a.y) if c ~= 1 then end", "'~=' is always true of what ':cosine' gives", "x:ne(y)" },
    { "local c = a.x:cosine(a.y) if not c then end", "'not' always takes what ':cosine' gives for true" },
    { "local c = a.x:cosine(a.y) c = c > 0.5 and 1 or 0", "'>' can only answer" },
    { "return a.x:map(function(x) return x > 0 and x or 0 end)", "'>' can only answer" },
    -- what Lua has elsewhere
    { "local r = math.random()", "recipes have no 'math.random'", chance },
    { "local r = math.random(1, 10)", "recipes have no 'math.random'", chance },
    { "math.randomseed(7)", "recipes have no 'math.randomseed'", chance },
    { "local t = os.time()", "recipes have no 'os'", outside },
    { "print(os.clock())", "recipes have no 'os'", outside },
    { "local f = io.open('x')", "recipes have no 'io'", outside },
    { "debug.getinfo(1)", "recipes have no 'debug'", outside },
    { "load('return 1')", "recipes have no 'load'", outside },
    { "dofile('x.lua')", "recipes have no 'dofile'", "require(name)" },
    { "pcall(function() end)", "recipes have no 'pcall'", "says where it is" },
    { "setmetatable({}, {})", "recipes have no 'setmetatable'" },
    { "local t = require('torch')", "there is no recipe 'torch' to require" },
    -- tensors by name
    { "return a.x.name", "a model has no 'name'", "did you mean 'names'?" },
    { 'return a.x["name"]', "a model has no 'name'" },
    { 'return a.x["model.norm"]', "no tensor is called 'model.norm' -- did you mean 'model.norm.weight'?" },
    { 'return a.x["model.norm.wieght"]', "did you mean 'model.norm.weight'?" },
    { 'return a.x:tensor("model.layers.0")', "did you mean 'model.layers.0.w'?" },
    { "return a.x[1]", "a model is not indexed by a number" },
    -- words of other libraries
    { "return a.x:absolute()", "a model has no 'absolute' -- did you mean x:abs()?" },
    { "return a.x:ABS()", "did you mean 'abs'?" },
    { "return abs(a.x)", "did you mean x:abs()?" },
    { "return torch.abs(a.x)", "recipes have no 'torch.abs' -- did you mean x:abs()?" },
    { "return np.linalg.norm(a.x)", "recipes have no 'np.linalg.norm' -- did you mean x:norm(" },
    { "return a.x:cosine_similarity(a.y)", "did you mean x:cosine(y)?" },
    { "return a.x // 2", "'//' is no operation of values; (x / y):floor()" },
    { "return a.x % 2", "'%' is no operation of values; x - y * (x / y):floor()" },
    { "return a.x .. a.y", "'..' joins texts and lists of models; models{x, y}" },
    { "return math.max(a.x, a.y)", "math.max takes plain numbers, not a model; use max{x, y}" },
    { "return math.exp(a.x:cosine(a.y)) * a.x", "math.exp takes plain numbers", "x:exp()" },
    { 'return tonumber(a.x["model.norm.weight"]:norm()) * a.x', "tonumber of a lazy scalar: it is not known before the merge runs" },
    { "return a.T", "this recipe has no 'T' -- did you mean 't'?" },
    { "a.x.w = 3", "models, lists and tensors cannot be changed; make a new one" },
  }
  local commands = {}
  for i, row in ipairs(rows) do
    local body = row[1] .. (row[1]:find "^return" and "" or "\nreturn a.x")
    M.write("own" .. i .. ".lua", 'return recipe { "d", arg.model("x", "x"), arg.model("y", "y"), arg("t", 0.5, "t"), function(a)\n' .. body .. " end }")
    commands[i] = ("own%d.lua --x a --y b -o out"):format(i)
  end
  local results = run_all(commands)
  for i, row in ipairs(rows) do
    it(row[1], function() check(results[i], 65, "own" .. i .. ".lua:2: ", table.unpack(row, 2)) end)
  end
  it("nothing is written", function() assert.falsy(M.bytes "out/model.safetensors") end)
end)

describe("on the command line,", function()
  local rows = {
    { 64, "lerp --a a --b b --t '' -o out", "--t: found nothing, expected a number or a gradient such as 0,0.5,1" },
    { 64, "lerp --a a --b b --t abc -o out", "--t: 'abc' is not a number" },
    { 64, "lerp --a a --b b --t -o out", "--t needs a value" },
    { 64, "lerp --a a --b b -t 0.5 -o out", "there is no option '-t' -- did you mean --t?" },
    { 64, "lerp -z 1 -o out", "there is no option '-z'", "only -o and -h are short" },
    { 64, "lerp a=a b=b -o out", "'a=a' belongs to no option", "options begin with two dashes: --a=a" },
    { 64, "lerp a b -o out", "'a' belongs to no option", "models follow their option: --a a --b b" },
    { 64, "ties a b -o out", "--base a --experts b" },
    { 64, "soup --model a b -o out", "did you mean --models?" },
    { 64, "task_arithmetic --base a --expert b -o out", "did you mean --experts?" },
    { 64, "soup --models a b --weight 1,2 -o out", "write --weight 1 2 to give each of the 2 models one, or --weight layers:1,2 for a gradient" },
    { 64, "soup --models a b --weight 1 2 3 -o out", "'weight' has 3 values for 2 models" },
    -- models
    { 66, "ties --base a --experts a,b -o out", "models are separated by spaces, not by commas: a b" },
    { 66, "ties --base a --experts 'a, b' -o out", "models are separated by spaces, not by commas: a b" },
    { 66, "ties --base a --experts 'a b' -o out", "each model is a word of its own, so without quotes around all of them: a b" },
    { 66, "ties --base a --experts 'a;b' -o out", "models are separated by spaces, not by semicolons: a b" },
    { 66, "soup --models models/frist -o out", "did you mean 'models/first'?" },
    { 66, "soup --models modles/first -o out", "did you mean 'models/first'?" },
    { 66, "soup --models deep/fodler/model -o out", "did you mean 'deep/folder/model'?" },
    { 66, "soup --models models -o out", "it holds 2 folders of models, such as models/first and models/second: give these" },
    { 66, "soup --models deep/folder -o out", "did you mean deep/folder/model?" },
    -- recipes and commands
    { 64, "RECIPE --help", "RECIPE stands for the name of one, as in `moonweld slerp --help`" },
    { 64, "recipe", "RECIPE stands for the name of one" },
    { 64, "-v", "did you mean --version?" },
    { 64, "models --a b", "it is a folder here: a model follows an option of a recipe, as in moonweld soup --models models ... -o OUT" },
    { 64, "merge lerp --a a --b b -o out", "the recipe comes first: moonweld lerp --a A --b B -o OUT" },
    { 64, "mergekit-yaml x.yml out", "a mergekit file is given as it is: moonweld FILE.yml -o OUT" },
  }
  local commands = {}
  for i, row in ipairs(rows) do commands[i] = row[2] end
  local results = run_all(commands)
  for i, row in ipairs(rows) do
    it(row[2], function() check(results[i], row[1], table.unpack(row, 3)) end)
  end
  it("methods of other tools by their names here, which are recipes with these options", function()
    for name, here in pairs { breadcrumbs_ties = "breadcrumbs --elect", ramplus_tl = "ram --r 0.1", frankenmerge = "stack", average = "soup", weighted_sum = "lerp" } do
      local told = run_all { name .. " --models a b -o out", here:match "%S+" .. " --help" }
      check(told[1], 64, "what other tools call '" .. name .. "' is '" .. here .. "' here")
      check(told[2], 0, here:match "%-%-%w+" or "usage")
    end
  end)
  it("every method of mergekit that has a recipe of its name", function()
    local asked = {}
    local names = "arcee_fusion breadcrumbs dare_linear dare_ties della della_linear karcher linear model_stock multislerp nearswap nuslerp passthrough ram sce slerp task_arithmetic ties"
    for name in names:gmatch "%S+" do
      asked[#asked + 1] = name .. " --help"
    end
    for _, result in ipairs(run_all(asked)) do check(result, 0, "usage: moonweld") end
  end)
end)

describe("in the Lua module,", function()
  local mw = require "moonweld"
  local cases = {
    { "lerp", { a = "a", b = "b", T = 0.3 }, nil, "'lerp' has no argument 'T' (did you mean 't'?)" },
    { "lerp", { a = "a", b = { "b", "a" } }, nil, "argument 'b' of lerp takes one value, not a list" },
    { "lerp", { a = "a", b = "b", t = { 0, 1 } }, nil, 'one that varies over the layers is a text, "layers:0,0.5,1"' },
    { "lerp", { "a", "b" }, nil, 'arguments are named, such as { models = { "A", "B" } }' },
    { "soup", { models = { "a", { "b" } } }, nil, "argument 'models' of soup: value 2 is a list, expected one value" },
    { "soup", { models = { "a", "b" }, weight = { a = 1 } }, nil, "argument 'weight' of soup is a list: only values at 1, 2, 3 and so on" },
    { "soup", { models = { "a", "b" }, dtype = "bf16" }, nil,
      "'soup' has no argument 'dtype' (it is an option of every merge: in Lua it stands in the table behind the arguments)" },
    { "soup", { models = { "a", "b" } }, { dtyp = "bf16" }, "there is no option 'dtyp' (did you mean 'dtype'?)" },
    { "soup", { models = { "a", "b" } }, { ["shard-size"] = "5GB" }, "did you mean 'shard_size'?" },
    { "soup", { models = { "a", "b" } }, { threads = {} }, "option 'threads' = a table: a whole number from 1 to 1024 is expected" },
    { "soup", { models = { "a", "b" } }, { allow = "config tokenizer" }, "several are given as a list, each by itself" },
    { "soup", { models = { "a", "b" } }, { no_hash = 1 }, "option 'no_hash' is true or false, not a number" },
  }
  for i, case in ipairs(cases) do
    it("case " .. i .. ": " .. case[4], function()
      local ok, message = pcall(mw.plan, case[1], case[2], case[3])
      assert(not ok and tostring(message):find(case[4], 1, true), tostring(message))
    end)
  end
end)
