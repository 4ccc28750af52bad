--- env.lua: all that a recipe file sees: a small, frozen, deterministic language (recipes.md, "Wall 2"). Each file has an
-- environment of its own over one base; assigning a global stays in the file.
local core = ...
local V, O, F, A, R = core.module("value"), core.module("ops"), core.module("field"), core.module("arg"), core.module("recipe")
core.module("reduce")
local G = core.module("group")
core.module("show")
core.module("names")
local T = core.module("layout")
core.module("config")
core.module("part")
local W, D = core.module("views"), core.module("adapter")
local P = core.module("setting")
local S, N, H, L = core.module("select"), core.module("net"), core.module("arch"), core.module("learn")
local synonyms = core.module("synonyms")
local fail = V.fail
local E = {}

local LONGEST = 1 << 20

local function bounded(text)
  if type(text) == "string" and #text > LONGEST then return (fail("a text longer than 1 MB")) end
  return text
end

-- ---- the libraries ----

local safe_string = {}
for _, name in ipairs { "byte", "char", "find", "gmatch", "len", "lower", "match", "reverse", "sub", "upper" } do
  safe_string[name] = string[name]
end
function safe_string.rep(text, n, separator)
  text, separator = tostring(text), separator or ""
  if type(n) == "number" and n > 0 and (#text + #separator) * n > LONGEST then return (fail("string.rep of more than 1 MB")) end
  return (string.rep(text, n, separator))
end
function safe_string.gsub(...)
  local text, count = string.gsub(...)
  return bounded(text), count
end
function safe_string.format(form, ...)
  if type(form) == "string" and form:gsub("%%%%", ""):find("%%[^%a]*p") then return (fail("string.format knows no %s here", "%p")) end
  local args = { ... }
  for i = 1, select("#", ...) do if type(args[i]) == "table" or type(args[i]) == "function" then args[i] = E.tostring(args[i]) end end
  return (bounded(string.format(form, table.unpack(args, 1, select("#", ...)))))
end

local safe_math = { pi = math.pi, huge = math.huge, maxinteger = math.maxinteger, mininteger = math.mininteger }
--- A function of `count` plain numbers, or more; what it is of values is told.
local function of_numbers(name, f, count)
  local instead = ({ max = "max{x, y} or x:atleast(v)", min = "min{x, y} or x:atmost(v)" })[name] or V.methods[name] and "x:" .. name .. "()"
  safe_math[name] = function(...)
    for i = 1, math.max(count, (select("#", ...))) do
      local x = (select(i, ...))
      if V.data(x) or V.kind(x) == "node" then fail("math.%s takes plain numbers, not %s%s", name, V.called(x), instead and "; use " .. instead or "") end
      if not tonumber(x) and name ~= "tointeger" then fail("math.%s takes a number, not %s", name, V.called(x)) end
    end
    local first, second = f(...)
    if second ~= nil then return first, second end -- modf
    return first
  end
end
for _, name in ipairs { "abs", "ceil", "floor", "max", "min", "modf", "sqrt", "tointeger" } do of_numbers(name, math[name], 1) end
for _, name in ipairs { "fmod", "ult" } do of_numbers(name, math[name], 2) end
safe_math.type = math.type
-- What Lua's own library cannot do alike on every machine, such as exp, is the tensors' operation on a plain number.
for _, entry in ipairs(core.elementwise) do
  local name, alike = entry[1]:lower(), entry[2]:match "^x:(%l+)%(%)$"
  if alike and not safe_math[alike] then of_numbers(alike, function(x) return (core.compute(name, tonumber(x))) end, 1) end
end

local safe_table = {}
for _, name in ipairs { "concat", "insert", "move", "pack", "remove", "sort", "unpack" } do safe_table[name] = table[name] end
function safe_table.concat(...) return (bounded(table.concat(...))) end
--- What carries a metatable is ours and does not change, even where the function would find nothing to do.
local function own(name, t)
  if type(t) == "table" and getmetatable(t) ~= nil then return (fail("table.%s changes a table, and %s cannot be changed", name, V.called(t))) end
end
for _, name in ipairs { "insert", "remove", "sort" } do
  safe_table[name] = function(t, ...) own(name, t) return (table[name](t, ...)) end
end
function safe_table.move(from, first, last, at, to)
  own("move", to or from)
  return (table.move(from, first, last, at, to or from))
end

function E.tostring(x)
  local what = type(x)
  if what == "table" or what == "userdata" then return V.kind(x) == "node" and "tensor" or V.kind(x) end
  if what == "function" then return "function" end
  if x ~= x then return "nan" end -- the sign of a NaN differs between processors
  return (tostring(x))
end

--- pairs in one order for everyone: the array part, numbers ascending, texts by bytes, booleans.
local rank = { number = 1, string = 2, boolean = 3 }
local function ordered_pairs(t)
  if type(t) ~= "table" then return (fail("pairs of %s", V.called(t))) end
  if V.kind(t) == "model" then
    local i, names = 0, V.all_names(V.data(t))
    return function()
      i = i + 1
      if names[i] then return names[i], V.tensor_of(V.data(t), names[i]) end
    end
  end
  if V.data(t) then return (fail("pairs of %s; use map or ipairs", V.called(t))) end
  local keys = {}
  for key in pairs(t) do
    if not rank[type(key)] then fail("pairs of a table with a %s as a key has no order", type(key)) end
    keys[#keys + 1] = key
  end
  table.sort(keys, function(a, b)
    if type(a) ~= type(b) then return rank[type(a)] < rank[type(b)] end
    if type(a) == "boolean" then return a and not b end
    return a < b
  end)
  local i = 0
  return function()
    i = i + 1
    if keys[i] ~= nil then return keys[i], t[keys[i]] end
  end
end

local function list_pairs(t)
  local items = V.kind(t) == "list" and V.data(t).items or t
  if type(items) ~= "table" or V.data(items) then return (fail("ipairs of %s", V.called(t))) end
  local step, list, before = ipairs(items)
  return step, list, before
end

local no_chance = ": a merge can be made again, so a recipe has no chance of its own; declare arg.seed(), then a.seed:uniform(), x:normal(a.seed)"
local function frozen(t, name, message)
  return (setmetatable({}, { __metatable = false, __newindex = function() return (fail("'%s' cannot be changed", name)) end, __index = function(_, key)
    if t[key] ~= nil then return t[key] end
    local words = {}
    for known in pairs(t) do words[#words + 1] = known end
    local hint = name == "math" and (key == "random" or key == "randomseed") and no_chance or synonyms.hint(tostring(key), words)
    return (fail(message or "recipes have no '%s.%s'%s", name, core.shown(tostring(key)), hint))
  end }))
end

local function safe_print(...)
  local parts = table.pack(...)
  for i = 1, parts.n do parts[i] = E.tostring(parts[i]) end
  core.print(table.concat(parts, " "))
end

local function safe_error(message)
  if type(message) == "table" then return (fail("(error object is a table)")) end
  return (fail("%s", core.shown(E.tostring(message))))
end

local function safe_assert(value, message, ...)
  if not value then return (safe_error(message == nil and "assertion failed!" or message)) end
  return value, message, ...
end

-- ---- require ----

local loaded, loading, parts = {}, {}, {}

--- `key`: the name, or "recipes/NAME" for a built-in recipe: where a built-in one requires it, which no file may replace, or a file of that
--- name, which is a variant of it.
local function load_required(name, key)
  if type(name) ~= "string" then return (fail("require takes a recipe's name")) end
  if loading[key] then key = "recipes/" .. name end
  if loaded[key] then return loaded[key] end
  if loading[key] then return (fail("'%s' requires itself", core.shown(name))) end
  loading[key] = true
  if parts[key] then loaded[key] = E.part(parts[key](E.environment(false)), name, name)
  else
    local text, chunk, built_in = core.require(key)
    loaded[key] = E.part(E.run(text, chunk, built_in), name, core.shown(chunk:sub(2)))
  end
  loading[key] = nil
  return loaded[key]
end

local function require(name) return (load_required(name, name)) end
local function require_built_in(name) return (load_required(name, type(name) == "string" and "recipes/" .. name)) end

--- A part of a packed recipe (pack.lua): what `require` finds before any file.
local function part(name, f)
  if type(name) ~= "string" or type(f) ~= "function" then return (fail("a part is a name and a function: part(\"util\", function(_ENV) ... end)")) end
  if parts[name] then return (fail("the part '%s' is there twice", core.shown(name))) end
  parts[name] = f
end

local base = {
  assert = safe_assert, error = safe_error, ipairs = list_pairs, pairs = ordered_pairs, print = safe_print,
  tonumber = function(x, ...)
    if V.data(x) or V.kind(x) == "node" then return (fail("tonumber of %s: it is not known before the merge runs; compute with it as it is", V.called(x))) end
    return (tonumber(x, ...))
  end, tostring = E.tostring, require = require, part = part,
  select = select,
  type = function(x)
    local what = V.kind(x)
    return what == "node" and "tensor" or what
  end,
  math = frozen(safe_math, "math"), string = frozen(safe_string, "string"), table = frozen(safe_table, "table"), arg = A.vocabulary,
}
--- The words that stand on their own; those of values, models, lists are theirs (word.lua).
E.vocabulary = {
  recipe = R.recipe, layers = F.layers, pick = F.pick, setting = P.setting, sign_trim = S.sign_trim, disjoint_mean = S.disjoint_mean,
  learn = L.learn, prompts = L.prompts, logits = H.logits, cosine_penalty = L.cosine_penalty, architecture = H.architecture,
}
for name, f in pairs(O) do E.vocabulary[name] = f end
for name, f in pairs(core.module("statistics")) do E.vocabulary[name] = f end
for _, name in ipairs { "stack", "zeros", "constant" } do E.vocabulary[name] = T[name] end
E.vocabulary.join, E.vocabulary.adapter, E.vocabulary.dots, E.vocabulary.minimise = W.join, D.adapter, G.dots, core.module("minimise")
for name, f in pairs(core.module("matrices").words) do E.vocabulary[name] = f end
for _, name in ipairs { "linear", "embedding", "rms_norm", "layer_norm", "rope", "attention", "silu", "gelu", "softmax", "log_softmax",
  "kl", "cross_entropy", "entropy", "mse" } do E.vocabulary[name] = N[name] end
for name, f in pairs(E.vocabulary) do base[name] = f end
getmetatable("").__index = base.string
getmetatable("").__metatable = false

local words = {}
for name in pairs(base) do words[#words + 1] = name end

-- What a recipe is told that looks for the world outside.
local closed = ": a recipe sees no files, programs, clock or environment, so that a merge can be made again; what it needs comes in by its arguments (arg)"
local instead = { os = closed, io = closed, debug = closed, package = ": require(name) gives another recipe", load = closed, loadstring = closed, dofile = ": require(name) gives another recipe",
  loadfile = ": require(name) gives another recipe", pcall = ": an error stops the merge and says where it is", xpcall = ": an error stops the merge and says where it is",
  setmetatable = ": values have the words that they have; a function of your own takes them as arguments", next = "; pairs(t) goes through a table in one order" }
local absent = {}
for word in ("setmetatable getmetatable rawget rawset rawequal rawlen next pcall xpcall coroutine load loadstring dofile loadfile debug os io package collectgarbage warn utf8 _G"):gmatch("%S+") do
  absent[word] = true
end

function E.environment(built_in)
  local globals = {}
  return (setmetatable(globals, { __metatable = false, __index = function(_, key)
    if built_in and key == "require" then return require_built_in end
    local value = base[key]
    if value ~= nil then return value end
    if absent[key] then return (fail("recipes have no '%s'%s", key, instead[key] or "")) end
    return synonyms.library(key) or fail("there is no '%s'%s", core.shown(tostring(key)), synonyms.hint(tostring(key), { table.unpack(words) }))
  end }))
end

function E.run(text, chunk, built_in)
  if #text > 256 * 1024 then return (fail("a recipe file has at most 256 KiB")) end
  local main, message = core.load(text, chunk, E.environment(built_in))
  if not main then return (core.fail("data", core.shown(tostring(message)))) end
  local findings
  findings, V.written[chunk] = core.module("conditions").read(text)
  if findings[1] then return (core.fail("data", string.format("%s:%d: %s", core.shown(chunk:sub(2)), findings[1].line, findings[1].text))) end
  return (main())
end

--- The recipe that a file returns.
function E.load(text, chunk)
  local recipe = E.run(text, chunk, core.built_in)
  if R.signature_of(recipe) then return recipe end
  return (fail("the file returns %s, not a recipe{...}", V.called(recipe)))
end

--- What `require` may give: a recipe, an architecture, or a module, a table of what recipes share.
function E.part(made, name, place)
  if R.signature_of(made) or V.kind(made) == "architecture" then return made end
  if V.kind(made) ~= "table" then return (fail("%s returns %s, expected a recipe{...}, an architecture{...}, or a table of what it offers", place, V.called(made))) end
  for key in pairs(made) do
    if type(key) ~= "string" then fail("%s returns a list, expected a table with names: { f = function(x) ... end }", place) end
  end
  return (frozen(made, name, "there is no '%s.%s'%s"))
end

return E
