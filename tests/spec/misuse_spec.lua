--- What is wrong with a recipe is said in one line: its file, its line, what was found, what to write instead.
package.path = "tests/spec/?.lua;" .. package.path
local toy = require "toy"

local x = toy.write({ ["model.layers.0.w"] = { 1, 2, 3, 4 }, ["model.norm.weight"] = { 1, 2 } })

--- What a merge by this text says, without the file's name: "LINE: message", or "message" where no line is told.
local function said(text)
  local file = toy.text(".lua", text)
  local ok, message = pcall(toy.run, text, { x = x })
  assert(not ok, "this should have failed: " .. text)
  message = tostring(message):gsub("^tests/spec/toy.lua:%d+: ", "")
  assert(not message:find("\n"), message)
  return (message:gsub("^" .. file:match("^.*/"):gsub("%p", "%%%0") .. "%d+%.lua:", ""))
end

--- A recipe whose function's body, on line 2, is the text; l is a list of two models.
local function body(text)
  return 'return recipe { "d", arg.model("x", "m"), arg.seed(), function(a) local x, l = a.x, models { a.x, 2 * a.x }\n' .. text .. "\nend }"
end

local function declares(text) return 'return recipe { "d", arg.model("x", "m"),\n' .. text .. ",\nfunction(a) return a.x end }" end

local nil_needed = "2: a tensor or a number is needed here, not "
local flat = "2: a flat model has total, mean, norm, peak, max, min, dot, cosine, quantile and kth_magnitude; compute before :flat()"

describe("an operation says how it is written", function()
  for call, written in pairs { ["x:lt()"] = "x:lt(y)", ["x:ge()"] = "x:ge(y)", ["x:atleast()"] = "x:atleast(v)", ["x:clamp(1)"] = "x:clamp(low, high)",
    ["where(x, x)"] = "where(mask, x, y)", ["ratio(x)"] = "ratio(x, y)", ["lerp(x, x)"] = "lerp(a, b, t)", ["x:keep()"] = "x:keep(mask)",
    ["x:dot()"] = "x:dot(y, {per=, of=})", ["x:cosine()"] = "x:cosine(y, {per=, of=})", ["x:keep_top()"] = "x:keep_top(density, {per=, count=, of=, below=})",
    ["x:bernoulli(0.5)"] = "x:bernoulli(p, seed)", ["x:has()"] = "model:has(name)", ["x.norm()"] = "x:norm({per=, of=})",
    ["x:map(nil)"] = "model:map(function(tensor, name) ... end), with a function, not nil",
    ["l:map(x)"] = "list:map(function(item, index) ... end), with a function, not a model",
    ["l:best_first(nil)"] = "list:best_first(a.score), with a function, not nil" } do
    it(call, function() assert.equal("2: this is written " .. written, said(body("return " .. call))) end)
  end
end)

describe("limits and comparisons", function()
  local nan = "2: nan is no limit, and nothing compares with it"
  for call, message in pairs { ["x:clamp(2, 1)"] = "2: clamp(low, high): 2 is above 1", ["x:clamp(0/0, 1)"] = nan, ["x:clamp(0, 0/0)"] = nan,
    ["l:clamp(0, models{1, -1})"] = "2: clamp(low, high): 0 is above -1",
    ["x:clamp(layers{0, 3}, 1)"] = "2: clamp(low, high): 3 is above 1", ["x:atmost(0/0)"] = nan, ["x:atleast(0/0)"] = nan, ["x:keep(x:gt(0/0))"] = nan,
    ["where(x:eq(0/0), x, x)"] = nan, ["x:norm():clamp(0/0, 1) * x"] = nan } do
    it("that can never hold are refused: " .. call, function() assert.equal(message, said(body("return " .. call))) end)
  end
  it("may be equal, or known when the merge runs", function()
    local made = toy.run(body "return where(x:clamp(1, x:norm()):clamp(1, 1):eq(1), x, x)", { x = x })
    assert.equal(2, made["model.norm.weight"][2])
  end)
end)

describe("Lua's own functions", function()
  -- Their messages have no place where the prelude calls them, whose lines are left out.
  for call, message in pairs { ["math.floor({})"] = "math.floor takes a number, not a table", ["math.max()"] = "math.max takes a number, not nil",
    ["math.fmod(1)"] = "math.fmod takes a number, not nil", ["math.exp('e')"] = "math.exp takes a number, not a string",
    ['string.format("%:d", 1)'] = "invalid conversion '%:' to 'format'", ["table.sort { 1, 'a', 2 }"] = "attempt to compare string with number",
    ["table.concat({ {} }, ': ')"] = "invalid value (table) at index 1 in table for 'concat'" } do
    it("say the recipe's line: " .. call, function() assert.equal("2: " .. message, said(body("local s = " .. call .. " return x"))) end)
  end
end)

describe("nonzero", function()
  local weighs = "2: nonzero takes a number, or the text of an error, not a model"
  for call, message in pairs { ["x * nonzero(0, 'nothing')"] = "2: nothing", ["x * nonzero(-1e-9, 'nothing', {within = 1e-8})"] = "2: nothing", ["x * nonzero(1, x)"] = weighs,
    ["x * nonzero(layers{0, 1}, 'nothing')"] = "2: tensor 'model.layers.0.w': nothing", ["x * nonzero(1, 2, {within = 'far'})"] = "2: 'within' is a number, not a string",
    ["x * nonzero(1)"] = "2: this is written nonzero(x, instead, {within=})" } do
    it(call, function() assert.equal(message, said(body("return " .. call))) end)
  end
  it("is what it is told to be where a number is 0, known or not", function()
    for call, times in pairs { ["nonzero(0, 3)"] = 3, ["nonzero(2, 3)"] = 2, ["nonzero(1e-9, 3, {within = 1e-8})"] = 3, ["nonzero((x - x):total(), 3)"] = 3,
      ["nonzero(x:count(), 3)"] = 4, ["nonzero((0.001 * x):total(), 3, {within = 0.1})"] = 3, ["nonzero(x:count(), 'nothing')"] = 4 } do
      assert.equal(2 * times, toy.run(body("return (x * " .. call .. "):unweighed()"), { x = x })["model.layers.0.w"][2], call)
    end
  end)
end)

describe("a mask is no model", function()
  local refusal = "2: tensor 'model.layers.0.w' of the result is a mask or a weight, not a model's -- x:keep(mask) keeps what it marks, x:unweighed() returns it"
  for _, call in ipairs { "x:gt(1)", "x:bernoulli(0.5, a.seed)", "~(x:gt(1) | x:lt(0))", "where(x:gt(1), 1, 0)", "1 - x:gt(1)", "x:keep_top(0.5):ne(0)" } do
    it("as a result: " .. call, function() assert.equal(refusal, said(body("return " .. call))) end)
  end
  it("but may be asked for by x:unweighed(), as a delta may", function()
    assert.same({ 0, 0, 1, 1 }, toy.run(body "return x:gt(2):unweighed()", { x = x })["model.layers.0.w"])
    assert.same({ 1, 4, 9, 16 }, toy.run(body "return (x * x):unweighed()", { x = x })["model.layers.0.w"])
    assert.same({ 0, 0 }, toy.run(body "return (x - x):unweighed()", { x = x })["model.norm.weight"])
    assert.equal("2: the result weighs 2 models, not 1 -- did you mean mean(...)?", said(body "return 2 * x:unweighed()"))
  end)
end)

describe("what no word reads is an error", function()
  local weights = " -- weights multiply: sum(w * list) / sum(w)"
  for call, written in pairs { ["x:abs(3)"] = "x:abs(), without 3", ["x:norm({}, 1)"] = "x:norm({per=, of=}), without 1",
    ["mean(l, {.2, .3})"] = "mean(list), without {...}" .. weights, ["sum(l, x)"] = "sum(list), without a model" .. weights,
    ["max(l, 0)"] = "max(list), without 0 -- x:atleast(v) is the larger of two", ["where(x, x, x, l)"] = "where(mask, x, y), without a list",
    ["x:keep(x, nil, 'a')"] = "x:keep(mask), without 'a'", ["x:keep_top(1, {}, true)"] = "x:keep_top(density, {per=, count=, of=, below=}), without a boolean",
    ["x * a.seed:uniform(3)"] = "seed:uniform(), without 3", ["x * layers({1, 2}, 3)"] = "layers{...}, without 3", ["x:only('*', '*')"] = "model:only(glob), without '*'",
    ["models({x}, {x})"] = "models{...}, without {...}", ["disjoint_mean(l, 1, 2)"] = "disjoint_mean(list[, weight]), without 2" } do
    it(call, function() assert.equal("2: this is written " .. written, said(body("return " .. call))) end)
  end
  local braces = "options are named in braces, such as {per = ...}, not a number"
  local axis = "there is no option 'dim' here -- did you mean per = \"row\"?"
  for call, message in pairs { ["x:norm{dim = 1}"] = axis, ["x:norm(1)"] = braces, ["x:cosine(x, {dim = 1})"] = axis, ["x:total(0)"] = braces,
    ["x:quantile(0.5, {per = 'model', a = 1})"] = "there is no option 'a' here",
    ["mean{x, x, weight = 2}"] = "a list has members alone, without 'weight'", ["max{x, dim = 1, x}"] = "a list has members alone, without 'dim'",
    ["sum(models{x, per = 'model'})"] = "a list has members alone, without 'per'", ["x * layers{0, 1, at = 2}"] = "a list has members alone, without 'at'",
    ["x * pick{ {'*', 1}, 2, default = 3 }"] = "a list has members alone, without 'default'", ["x * pick{ {'*', 1, or_else = 3}, 2 }"] = "a list has members alone, without 'or_else'",
    ["mean{[1] = x, [3] = x}"] = "member 3 of a list stands behind a nil", ["mean{x, nil, x}"] = "member 2 of a list is nil" } do
    it(call, function() assert.equal("2: " .. message, said(body("return " .. call))) end)
  end
  it("also where it is declared, or a recipe is called", function()
    assert.equal("2: this is written arg.model(name, doc[, limits]), without 5", said(declares "arg.model('m', 'd', {}, 5)"))
    assert.equal("2: this is written arg.seed(), without 5", said(declares "arg.seed(5)"))
    assert.equal("2: a recipe is called with a table: ties{ base = m, experts = {...} }", said(body "return require 'lerp' ({ a = x, b = x }, 0.3)"))
  end)
  it("but nil is nothing", function() toy.run(body "local none return where(x:abs(none):gt(0, nil), x, x, nil)", { x = x }) end)
end)

describe("a value of the wrong kind is named", function()
  local cases = {
    ["x + nil"] = nil_needed .. "nil", ["x + {}"] = nil_needed .. "a table", ["x * 'a'"] = nil_needed .. "a string",
    ["where(true, x, x)"] = nil_needed .. "a boolean -- x == 0 is false for Lua whatever x holds; x:eq(0), x:ne(0) give masks", ["x * a.seed"] = "2: a seed cannot be computed with",
    ["x:norm():total()"] = "2: 'total' needs a tensor, not a number", ["x:scale_columns(2)"] = "2: 'scale_columns' needs a tensor, not a number",
    ["x:keep_top(nil)"] = "2: 'density' is a plain number from 0 to 1, not nil", ["x:keep_top(2)"] = "2: 'density' = 2 is outside [0, 1]",
    ["x:keep_top(x)"] = "2: 'density' is a plain number from 0 to 1, not a tensor",
    ["x:keep_top(layers{0,1}, {per='model'})"] = "2: 'density' is a plain number from 0 to 1, not a field",
    ["x:keep_top(0.5, 'exact')"] = "2: options are named in braces, such as {per = ...}, not a string",
    ["x:keep_top(0.5, {cuont='exact'})"] = "2: there is no option 'cuont' here -- did you mean 'count'?",
    ["x:keep_top(0.5, {per='modle'})"] = "2: per = 'modle' is none of tensor, row, model -- did you mean 'model'?",
    ["sign_trim(x, 0.5)"] = "2: a list is needed, not a model", ["sum(x)"] = "2: a list is needed, not a model",
    ["models(x)"] = "2: models{...} takes models in braces, not a model", ["l .. x"] = "2: a list is needed, not a model",
    ["x:flat() + 1"] = flat, ["x:flat():keep_top(0.5)"] = flat, ["x:flat():dot(x)"] = "2: 'dot' and 'cosine' of a flat model need another one like it",
    ["x:bernoulli({}, a.seed)"] = "2: a probability is a number or a tensor of numbers, not a table", ["x:bernoulli(0.5, 1)"] = '2: a seed is needed here, such as a.seed:at("drop")',
    ["x:drop_rescale(0.5, a.seed, {rescle='l1'})"] = "2: there is no option 'rescle' here -- did you mean 'rescale'?",
    ["x * a.seed:dirichlet(1e9, 1)"] = "2: n of dirichlet(n, alpha) is a whole number from 1 to 65536",
    ["x:has(nil)"] = "2: 'has' takes a tensor's name, not nil", ["x * pick{ {'*', 1, 2}, 3 }"] = "2: entry 1 of pick{...} is not {pattern, number}",
    ["x:only('model.norm.wieght')"] = "2: no tensor is called 'model.norm.wieght' -- did you mean 'model.norm.weight'?",
    ["x:map(function(t) return l end)"] = "2: map's function gave a list for tensor 'model.layers.0.w', not a tensor",
    ["x:flat():total()"] = "2: the recipe returns a lazy scalar, not a model", ["l[3]"] = "2: the recipe returns nil, not a model",
    ["l:best_first(function(m) return m:norm() end)"] = "2: a score is a plain number, not a model",
    ["string.format('%p', x)"] = "2: string.format knows no %p here",
  }
  for call, message in pairs(cases) do
    it(call, function() assert.equal(message, said(body("return " .. call))) end)
  end
  it("ipairs of a model", function() assert.equal("2: ipairs of a model", said(body "for _ in ipairs(x) do end return x")) end)
end)

describe("a word of another language, or of nobody", function()
  local meant = " -- did you mean "
  for text, message in pairs { ["x:absolute()"] = "a model has no 'absolute'" .. meant .. "x:abs()?", ["x:absolut()"] = "a model has no 'absolut'" .. meant .. "x:abs()?",
    ["x:abss()"] = "a model has no 'abss'" .. meant .. "'abs'?", ["x:pow(2)"] = "a model has no 'pow'" .. meant .. "x ^ y?",
    ["l:clip(0, 1)"] = "a list has no 'clip'" .. meant .. "x:clamp(low, high)?",
    ["x:amax()"] = "a model has no 'amax'" .. meant .. "x:max()?", ["x:lerp(x, 1)"] = "a model has no 'lerp'" .. meant .. "lerp(a, b, t)?",
    ["x:map(function(t) return t:only('*') end)"] = "a tensor has no 'only'" .. meant .. "model:only(glob)?", ["x:banana()"] = "a model has no 'banana'",
    ["torch.abs(x)"] = "recipes have no 'torch.abs'" .. meant .. "x:abs()?", ["torch.nn.functional.relu(x)"] = "recipes have no 'torch.nn.functional.relu'" .. meant .. "x:relu()?",
    ["np.linalg.norm(x)"] = "recipes have no 'np.linalg.norm'" .. meant .. "x:norm({per=, of=})?", ["torch.banana(x)"] = "recipes have no 'torch.banana'",
    ["abs(x)"] = "there is no 'abs'" .. meant .. "x:abs()?", ["len(l)"] = "there is no 'len'" .. meant .. "#list?", ["None"] = "there is no 'None'" .. meant .. "nil?",
    ["x ^ math.pow(2, 3)"] = "recipes have no 'math.pow'" .. meant .. "x ^ y?", ["x * math.flor(2)"] = "recipes have no 'math.flor'" .. meant .. "'floor'?",
    ["('a'):dump()"] = "recipes have no 'string.dump'",
    ["x * math.random()"] = "recipes have no 'math.random': a merge can be made again, so a recipe has no chance of its own; declare arg.seed(), then a.seed:uniform(), x:normal(a.seed)" } do
    it(text, function() assert.equal("2: " .. message, said(body("return " .. text))) end)
  end
end)

describe("a model's tensor by its name", function()
  it("is one like those of map", function()
    local found = toy.run(body "return x:map(function(t, name) return name:find 'norm' and x[name] + x:tensor(name) - t or x[name] end)", { x = x })
    assert.same({ 1, 2, 3, 4 }, found["model.layers.0.w"])
    assert.same({ 1, 2 }, found["model.norm.weight"])
    found = toy.run(body "return x * (x:norm() / x:norm()['model.norm.weight'])", { x = x })
    assert.near(4 * (30 / 5) ^ 0.5, found["model.layers.0.w"][4], 1e-5)
  end)
  it("is a word where it has that name, and asked for by tensor()", function()
    local odd = toy.write { norm = { 3 }, w = { 5 } }
    assert.same({ 3 }, toy.run(body "assert(x['norm'] == x.norm) return x:map(function(t, n) return n == 'norm' and x:tensor 'norm' or t end)", { x = odd }).norm)
  end)
  for text, message in pairs { ["x['model.norm.wieght']"] = "no tensor is called 'model.norm.wieght' -- did you mean 'model.norm.weight'?",
    ["x:tensor('model.norm.wieght')"] = "no tensor is called 'model.norm.wieght' -- did you mean 'model.norm.weight'?", ["x:tensor(x)"] = "'tensor' takes a tensor's name, not a model",
    ["x[1]"] = "a model is not indexed by a number", ["l['model.norm.weight']"] = "a list has no 'model.norm.weight'" } do
    it(text, function() assert.equal("2: " .. message, said(body("return " .. text))) end)
  end
end)

describe("a list of models", function()
  it("has the words of its members' names", function()
    local found = toy.run(body "return (l:with((3 * l):only('*norm*'))[2] + l:except('*norm*'):zeros()[1]:with(l[1], {add = true})):unweighed()", { x = x })
    assert.same({ 7, 14 }, found["model.norm.weight"])
    assert.same({ 3, 6, 9, 12 }, found["model.layers.0.w"])
  end)
  for text, message in pairs { ["l:with(models{x, x, x})"] = "lists of 2 and 3 members do not pair up", ["list{1, x}:only('*')"] = "'only' is a word of models, and member 1 of the list is a number",
    ["l:only('banana')"] = "no tensor is called 'banana'" } do
    it(text, function() assert.equal("2: " .. message, said(body("return " .. text))) end)
  end
end)

describe("vectors beside matrices", function()
  local w = toy.write({ w = { 1, 2, 3, 4, 5, 6 } }, { w = { 2, 3 } })
  local function told(text)
    local ok, message, hint = pcall(toy.run, body(text), { x = w })
    assert(not ok)
    return tostring(message) .. (hint and tostring(hint) or "")
  end
  it("are told how they multiply columns", function()
    assert.matches("w' is %[2%] here and %[2,%d%] in", told "local u, s, v = svd(x) return matmul(u * s, v)")
  end)
  it("and how they become a diagonal", function() assert.matches("v:broadcast{n, n}:diagonal%(%)", told "local u, s = svd(x) return s:diagonal()") end)
end)

describe("two draws of one stream", function()
  local head = "2: two draws share a stream; name one with a.seed:at(i) (stream 'seed"
  for _, call in ipairs { "sum(l:map(function(t) return t:drop_rescale(0.5, a.seed) end))", "x:bernoulli(0.5, a.seed) & (2 * x):bernoulli(0.5, a.seed)",
    "x:bernoulli(0.5, a.seed) & x:bernoulli(0.4, a.seed)", "x:normal(a.seed) + x:keep(x:bernoulli(0.5, a.seed))",
    "sum(l:map(function(m) return m:map(function(t) return t:keep(t:bernoulli(0.5, a.seed)) end) end))",
    "l:bernoulli(0.5, a.seed)[2] & x:bernoulli(0.5, a.seed:at(2))" } do
    it(call, function()
      local tensor = call:find "at%(2%)" and "/2', tensor 'model.layers.0.w')" or "', tensor 'model.layers.0.w')"
      assert.equal(head .. tensor, said(body("return " .. call)))
    end)
  end
  it("also where another recipe is called with one seed", function()
    local message = said(body "local dare = require 'dare' return mean(l:map(function(m)\nreturn dare { base = x, expert = m, seed = a.seed } end))")
    assert.equal("recipes/dare.lua:12: two draws share a stream; name one with a.seed:at(i) (stream 'seed/dare', tensor 'model.layers.0.w')", message)
  end)
  for _, call in ipairs { "where(x:bernoulli(0.5, a.seed), x, 0) + 0 * x:keep(~x:bernoulli(0.5, a.seed))", "mean(l:drop_rescale(0.5, a.seed)) - x / 2",
    "mean(l:map(function(t, i) return t:drop_rescale(0.5, a.seed:at(i)) end)) - x / 2", "x:map(function(t) return t:drop_rescale(0.5, a.seed) end)",
    "x:drop_rescale(0, a.seed) + x:normal(a.seed)", "lerp(x, x:only('*norm*'):with(x):drop_rescale(0.5, a.seed), 0.5)" } do
    it("may be the same one, or of members or tensors: " .. call, function() toy.run(body("return " .. call), { x = x }) end)
  end
end)

describe("the line is the recipe's own", function()
  local wrong = "this recipe has no 'bas' -- did you mean 'base'?"
  it("where it calls a built-in recipe wrongly, first or later on a line", function()
    assert.equal("2: " .. wrong, said(body 'local t = require "ties" return t { bas = x, experts = { x } }'))
    assert.equal("2: " .. wrong, said(body 'local t = require "ties" return mean { t { base = x, experts = { x } }, t { bas = x } }'))
  end)
  it("where another recipe's result weighs too much", function()
    assert.equal("3: the result weighs 2 models, not 1 -- did you mean mean(...)?",
      said(body 'local t = require "task_arithmetic"\nreturn t { base = x, experts = { x, x } } + x'))
    assert.equal("3: the result weighs 0 models, not 1 -- was the base to be added?",
      said(body 'local t = require "task_arithmetic"\nreturn t { base = x - x, experts = { x - x } }'))
  end)
  local declarations = {
    ["arg('n', 1)"] = "this is written arg(name, default, doc[, limits])",
    ["arg('n', 1, '')"] = "argument 'n' needs a sentence that says what it is", ["arg('n', 5, 'd', { max = 3 })"] = "'n' = 5 is above 3",
    ["arg('n', 0 / 0, 'd')"] = "'n' = nan is not a finite number", ["arg('n', 1, 'd', 5)"] = "argument 'n': limits are named in braces, such as {min = 0}",
    ["arg.modle('n', 'd')"] = "there is no 'arg.modle' -- did you mean 'model'?",
    ["arg.from(require 'ties', { densty = 1 })"] = "that recipe has no 'densty' -- did you mean 'density'?",
  }
  for text, message in pairs(declarations) do
    it("where it declares " .. text, function() assert.equal("2: " .. message, said(declares(text))) end)
  end
  it("where a declaration does not fit those before it", function()
    assert.equal("1: arg.each('w') follows the arg.models that it goes with", said(declares "arg.each('w', 1, 'd')"))
    assert.equal("1: the file returns a number, not a recipe{...}", said "return 3")
  end)
end)

describe("what is typed has no line", function()
  local text = declares "arg('n', 1, 'd', { max = 2 }), arg('k', 1, 'd', { whole = true }), arg.choice('c', { 'red', 'green' }, 'd')"
  local function typed(name, value)
    local _, message = pcall(toy.run, text, { x = x, [name] = value })
    return (tostring(message):gsub("^tests/spec/toy.lua:%d+: ", ""))
  end
  it("and is judged as in a recipe", function()
    assert.equal("--n: no tensor is called '*nrm*'", typed("n", "*nrm*=1; 0"))
    local form = ": \"PATTERN=NUMBER; NUMBER\""
    for _, word in ipairs { "0.5; *norm*=1; 0", "*norm*=1", "*norm*=1;", "*norm*=1;; 0", "0.5;", ";", "0; 0" } do
      assert.equal("--n: '" .. word .. "' is not pairs with a default at their end" .. form, typed("n", word))
    end
    for word, part in pairs { ["*norm*="] = "*norm*=", ["*norm*=; 0"] = "*norm*=", ["*norm*=1; 0="] = "0=" } do
      assert.equal("--n: '" .. part .. "' has no number behind its '='" .. form, typed("n", word))
    end
    assert.equal("--n: '=1' names no tensors before its '='" .. form, typed("n", "=1; 0"))
    for word, part in pairs { half = "half", nan = "nan", inf = "inf", ["0x1"] = "0x1", ["0,,1"] = "0,,1", ["0,1,"] = "0,1,", [","] = ",", ["layers:"] = "layers:",
      ["layers:0,a"] = "layers:0,a", ["*norm*=a; 0"] = "a", ["*norm*=0=1; 0"] = "0=1" } do
      assert.equal("--n: '" .. part .. "' is not a number, nor a gradient such as 0,0.5,1", typed("n", word))
    end
    for _, word in ipairs { "", " " } do assert.equal("--n: found nothing, expected a number or a gradient such as 0,0.5,1", typed("n", word)) end
    assert.equal("'n' = 3 is above 2", typed("n", "*norm*=0,3; 0"))
    assert.equal("'k' is one whole number, not one that varies over the model", typed("k", "1,2"))
    assert.equal("'c' = 'gren' is none of red, green -- did you mean 'green'?", typed("c", "gren"))
  end)
  it("and a gradient may say that it is one", function()
    local scaled = 'return recipe { "d", arg.model("x", "m"), arg("n", 1, "d"), function(a) return a.x + a.n * (a.x - a.x:abs()) end }'
    for _, word in ipairs { "layers:0,1", "*layers*=layers:0; layers:1" } do
      local found = toy.run(scaled, { x = toy.write { ["model.layers.0.w"] = { -1 }, ["model.norm.weight"] = { -1 } }, n = word })
      assert.same({ -1, -3 }, { found["model.layers.0.w"][1], found["model.norm.weight"][1] }, word)
    end
  end)
end)
