--- arg.lua: arguments of recipes: how they are declared, what is typed for them, and what a table gives them.
local core = ...
local V, F = core.module("value"), core.module("field")
local suggest = core.module("suggest")
local fail, kind = V.fail, V.kind
local A = {}

-- What a recipe holds of an argument is an empty handle: what was checked lies here and cannot be forged or changed.
local declared = setmetatable({}, { __mode = "k" })
-- The scores that the runtime made; a score is never a recipe's own function.
A.scores = setmetatable({}, { __mode = "k" })

local function usage(text, ...) return (core.fail("usage", string.format(text, ...))) end

local function number_text(x)
  if x ~= x then return "nan" end -- the sign of a NaN differs between processors
  return math.type(x) == "integer" and tostring(x) or string.format("%.14g", x)
end
A.number_text = number_text

--- A handle for checked arguments; A.declared gives them back, or nil for anything else.
function A.handle(args)
  local handle = setmetatable({}, { __metatable = false, __newindex = function() return (fail("a declared argument cannot be changed")) end })
  declared[handle] = args
  return handle
end

function A.declared(handle) return declared[handle] end

local function declare(arg)
  local name, doc = arg.name, arg.doc
  if type(name) ~= "string" or not name:match("^[a-z][a-z0-9_]*$") or #name > 64 then
    return (fail("an argument is named by small letters, digits and _, not '%s'", core.shown(tostring(name))))
  end
  if core.reserved[name] and not arg.bound then return (fail("'%s' is an option of every merge; name the argument otherwise", name)) end
  if type(doc) ~= "string" or doc == "" then return (fail("argument '%s' needs a sentence that says what it is", name)) end
  if not core.plain(doc) or #doc > 1000 then
    return (fail("the sentence of argument '%s' is one line of UTF-8 without control characters, of at most 1000 bytes", name))
  end
  return (A.handle { arg })
end

local function limits(arg, given, known)
  if given ~= nil and kind(given) ~= "table" then fail("argument '%s': limits are named in braces, such as {min = 0}", core.shown(tostring(arg.name))) end
  for key in pairs(given or {}) do
    if not known[key] then
      fail("argument '%s': there is no limit '%s'%s", tostring(arg.name), core.shown(tostring(key)), suggest.key(tostring(key), known))
    end
  end
  for _, key in ipairs { "min", "max" } do
    local value = given and given[key]
    if value ~= nil and (type(value) ~= "number" or value ~= value) then fail("argument '%s': '%s' is not a number", tostring(arg.name), key) end
    arg[key] = value
  end
  arg.whole = given and given.whole or nil
  arg.optional = arg.optional or given and given.optional or nil
  return arg
end

local numeric = { min = true, max = true, whole = true }

--- Whether a number keeps an argument's limits; else raises by `complain`.
local function within(arg, value, complain)
  local low, high = arg.min or -math.huge, arg.max or math.huge
  if value ~= value or math.abs(value) == math.huge then return (complain("'%s' = %s is not a finite number", arg.name, number_text(value))) end
  if value < low or value > high then
    if not arg.max then return (complain("'%s' = %s is below %s", arg.name, number_text(value), number_text(low))) end
    if not arg.min then return (complain("'%s' = %s is above %s", arg.name, number_text(value), number_text(high))) end
    local share = low == 0 and high == 1 and value <= 100 and value == math.floor(value) and value > 1
    return (complain("'%s' = %s is outside [%s, %s]%s", arg.name, number_text(value), number_text(low), number_text(high),
      share and (": %s %% is %s"):format(number_text(value), number_text(value / 100)) or ""))
  end
  if arg.whole and value ~= math.floor(value) then return (complain("'%s' = %s is not a whole number", arg.name, number_text(value))) end
  return value
end

local default_types = { number = "number", maybe = "number", each = "number", string = "string", choice = "string", words = "string",
  flag = "boolean" }

local function check_default(arg)
  local default, wanted = arg.default, default_types[arg.kind]
  if default ~= nil then
    if type(default) ~= wanted then return (fail("argument '%s' cannot have a %s as its default", tostring(arg.name), kind(default))) end
    if wanted == "number" then within(arg, default, fail) end
    if arg.kind == "choice" then A.chosen(arg, default, fail) end
    if arg.kind == "words" then A.some(arg, default, fail) end
  end
  return (declare(arg))
end

--- Raises where `default` is none that the argument could have been declared with.
function A.check_default(arg, default)
  local copy = {}
  for key, value in pairs(arg) do copy[key] = value end
  copy.default = default
  return (check_default(copy))
end

local forms = {}

function forms.maybe(name, doc, given)
  return (declare(limits({ kind = "maybe", name = name, doc = doc, optional = true }, given, numeric)))
end

local function choices_of(form, name, words)
  if type(words) ~= "table" or #words == 0 then return (fail("arg.%s('%s', {...}) needs words to choose from", form, tostring(name))) end
  local choices = {}
  for i, word in ipairs(words) do
    if type(word) ~= "string" or not word:match("^[A-Za-z0-9_%-%.]+$") then return (fail("a choice of '%s' is not a word", tostring(name))) end
    choices[i] = word
  end
  return choices
end

function forms.choice(name, words, doc)
  local choices = choices_of("choice", name, words)
  return (declare { kind = "choice", name = name, doc = doc, default = choices[1], choices = choices, optional = true })
end

--- arg.profile{ word = { name = default, ... } }: the argument `profile`: other defaults under the name of a system whose
-- published behaviour they are; `paper` stands for those declared. What is typed wins.
function forms.profile(words)
  local choices, defaults = {}, {}
  if type(words) ~= "table" then return (fail("arg.profile{...} takes a table of defaults for each word")) end
  for word, changed in pairs(words) do
    if type(word) ~= "string" or word == "paper" or type(changed) ~= "table" then return (fail("arg.profile takes { word = { argument = default } }")) end
    choices[#choices + 1], defaults[word] = word, {}
    for name, default in pairs(changed) do defaults[word][name] = default end
  end
  table.sort(choices)
  local handle = forms.choice("profile", { "paper", table.unpack(choices) }, "whose published defaults hold; what is typed wins")
  A.declared(handle)[1].profiles = defaults
  return handle
end

--- A list of some of the words; all of them unless told. Its default is kept as one text, "a b c".
function forms.words(name, words, doc)
  local choices = choices_of("words", name, words)
  return (declare { kind = "words", name = name, doc = doc, default = table.concat(choices, " "), choices = choices, optional = true })
end

function forms.each(name, default, doc, given)
  if type(default) ~= "number" then return (fail("arg.each('%s') needs a number as its default", tostring(name))) end
  return (check_default(limits({ kind = "each", name = name, doc = doc, default = default, optional = true }, given, numeric)))
end

function forms.model(name, doc, given)
  return (declare(limits({ kind = "model", name = name, doc = doc }, given, { optional = true })))
end

function forms.models(name, doc, given)
  return (declare(limits({ kind = "models", name = name, doc = doc }, given, { min = true, max = true, optional = true })))
end

--- Models of which each has a range of layers: typed as MODEL:FIRST-END, in another recipe given as models. {of = "argument"} is the
--- text argument that says which stack of layers is meant where a model has several.
function forms.parts(name, doc, given)
  local arg = limits({ kind = "parts", name = name, doc = doc }, given, { min = true, max = true, optional = true, of = true })
  arg.of = given and given.of
  return (declare(arg))
end

--- An adapter, typed as a folder or a file; what the recipe gets is the base with it added: the model argument `base`, else the first.
function forms.adapter(name, doc, given)
  return (declare(limits({ kind = "model", name = name, doc = doc, adapter = true }, given, { optional = true })))
end

function forms.adapters(name, doc, given)
  return (declare(limits({ kind = "models", name = name, doc = doc, adapter = true }, given, { min = true, max = true, optional = true })))
end

function forms.seed() return (declare { kind = "seed", name = "seed", doc = "the seed of --seed", bound = true, optional = true }) end
function forms.score() return (declare { kind = "score", name = "score", doc = "the score of --score", bound = true, optional = true }) end
function forms.calibration() return (declare { kind = "calibration", name = "data", doc = "the data of --data", bound = true, optional = true }) end

--- arg.from(recipe, "name", ..., {name = new default})
function forms.from(recipe, ...)
  local signature = A.signature_of(recipe)
  if not signature then return (fail("arg.from takes a recipe first")) end
  local result = {}
  for i = 1, select("#", ...) do
    local wanted = (select(i, ...))
    local news = type(wanted) == "table" and wanted or { [wanted] = A }
    local names = {}
    for name in pairs(news) do names[#names + 1] = tostring(name) end
    table.sort(names)
    for _, name in ipairs(names) do
      local found = signature.by_name[name]
      if not found then return (fail("that recipe has no '%s'%s", core.shown(name), suggest.hint(name, A.names(signature.args)))) end
      local default = found.default
      if news[name] ~= A then default = news[name] end
      result[#result + 1] = A.declared(A.check_default(found, default))[1]
    end
  end
  return (A.handle(result))
end

-- How the forms are written says how many arguments they take.
for _, form in ipairs { "arg.maybe(name, doc[, limits])", "arg.choice(name, words, doc)", "arg.words(name, words, doc)", "arg.profile{...}",
  "arg.each(name, default, doc[, limits])", "arg.model(name, doc[, limits])", "arg.models(name, doc[, limits])", "arg.parts(name, doc[, limits])",
  "arg.adapter(name, doc[, limits])", "arg.adapters(name, doc[, limits])", "arg.from(recipe, ...)",
  "arg.seed()", "arg.score()", "arg.calibration()" } do
  local name = form:match("%.(%l+)")
  forms[name] = core.module("word").word(form, forms[name])
end

local plain = core.module("word").word("arg(name, default, doc[, limits])", function(name, default, doc, given)
  local what = ({ number = "number", string = "string", boolean = "flag" })[type(default)]
  if not what then return (fail("argument '%s' needs a number, a text or a flag as its default", core.shown(tostring(name)))) end
  return (check_default(limits({ kind = what, name = name, doc = doc, default = default, optional = true }, given, numeric)))
end)

function A.names(args)
  local names = {}
  for i, arg in ipairs(args) do names[i] = arg.name end
  return names
end

--- The `arg` of the vocabulary: callable, with the forms as fields.
A.vocabulary = setmetatable({}, {
  __index = function(_, key)
    if forms[key] then return forms[key] end
    local near, words = suggest.key(tostring(key), forms), {}
    for word in pairs(forms) do words[#words + 1] = "arg." .. word end
    table.sort(words)
    return (fail("there is no 'arg.%s'%s", core.shown(tostring(key)), near ~= "" and near or
      (" -- arg(name, default, doc) is a number; there are also %s"):format(table.concat(words, ", "))))
  end,
  __newindex = function() return (fail("'arg' cannot be changed")) end,
  __metatable = false,
  __call = function(_, ...) return (plain(...)) end,
})

-- ---- values ----

local function check_field(arg, value, complain)
  if type(value) == "number" then return (within(arg, value, complain)) end
  if kind(value) == "field" then
    if arg.whole then return (complain("'%s' is one whole number, not one that varies over the model", arg.name)) end
    F.numbers(value, function(number) within(arg, number, complain) end)
    return value
  end
  return (complain("'%s' is a number, not %s", arg.name, V.called(value)))
end

--- "0.3,0.7" is a gradient, but where two models wait for a number each it was hardly meant so: both ways are told.
local function check_meant(arg, word, count)
  local numbers = not word:find("^layers:") and F.typed_numbers(word)
  if numbers and #numbers > 1 and #numbers == count then
    local typed = core.shown(word)
    usage("--%s %s can be read in two ways: write --%s %s to give each of the %d models one, or --%s layers:%s for a gradient over the layers",
      arg.name, typed, arg.name, (typed:gsub("%s*,%s*", " ")), count, arg.name, typed)
  end
end

--- A number of layers as it was typed; one beyond all integers is outside of any model.
local function counted(digits) return (math.tointeger(tonumber(digits)) or math.maxinteger) end

--- What was typed for arg.parts: the models that C has opened, each with its range; a range ends before its second number. `of`: the
--- stack of layers that is meant, or nil.
function A.ranges(arg, words, models, of)
  local layout, list = core.module("layout"), {}
  local function complain(word)
    return function(text, ...) usage("--%s %s: " .. text, arg.name, core.shown(word), ...) end
  end
  for i, word in ipairs(words) do
    local first, last = word:match(":(%d+)%-(%d*)$")
    local whole = word == V.data(models[i]).where
    if whole then first, last = "0", "" end
    -- Where no argument names the stack, the recipe may: then a whole model is given to it as it is.
    list[i] = whole and not arg.of and models[i] or
      layout.part(models[i], counted(first), last ~= "" and counted(last) or nil, complain(word), of, arg.of and "--" .. arg.of .. " %s")
  end
  return (V.list(list))
end

A.varying = {} -- what was typed and varies over the model: its name, such as "t" or "weight[2]", and the field

--- What was typed: words become values. `count`: of the models that an arg.each goes with.
function A.typed(arg, words, count)
  local function one()
    if #words ~= 1 then usage("--%s takes one value, not %d", arg.name, #words) end
    return words[1]
  end
  local function number(word, place)
    local value = check_field(arg, F.parse(word, function(text, ...) return (usage("--" .. arg.name .. ": " .. text, ...)) end), usage)
    if kind(value) == "field" then A.varying[#A.varying + 1] = { arg.name .. (place or ""), value } end
    return value
  end
  if arg.kind == "number" or arg.kind == "maybe" then return (number(one())) end
  if arg.kind == "flag" then return one() == "true" end
  if arg.kind == "string" then return (one()) end
  if arg.kind == "choice" then return (A.chosen(arg, one(), usage)) end
  if arg.kind == "words" then return (A.some(arg, table.concat(words, " "), usage)) end
  if #words == 1 then check_meant(arg, words[1], count) end
  local values = {}
  for i, word in ipairs(words) do values[i] = number(word, #words > 1 and ("[%d]"):format(i)) end
  return values
end

function A.chosen(arg, word, complain)
  for _, choice in ipairs(arg.choices) do if choice == word then return word end end
  return (complain("'%s' = '%s' is none of %s%s", arg.name, core.shown(tostring(word)), table.concat(arg.choices, ", "),
    core.module("suggest").hint(tostring(word), { table.unpack(arg.choices) })))
end

--- The list of words that a text holds, each one of the choices.
function A.some(arg, text, complain)
  local list = {}
  for word in text:gmatch("%S+") do list[#list + 1] = A.chosen(arg, word, complain) end
  if #list == 0 then return (complain("'%s' is empty; it holds some of %s", arg.name, table.concat(arg.choices, ", "))) end
  return (V.list(list))
end

--- What a table gave: `value` is checked against the argument.
function A.given(arg, value)
  local what = arg.kind
  if what == "number" or what == "maybe" then return (check_field(arg, value, fail)) end
  if what == "choice" then return (A.chosen(arg, value, fail)) end
  if what == "words" then
    local texts = {}
    for i, word in ipairs(type(value) == "string" and { value } or V.items(value)) do texts[i] = tostring(word) end
    return (A.some(arg, table.concat(texts, " "), fail))
  end
  if what == "flag" or what == "string" then
    if type(value) ~= (what == "flag" and "boolean" or "string") then return (fail("'%s' is a %s, not %s", arg.name, what, V.called(value))) end
    return value
  end
  if what == "each" then
    if type(value) == "number" or kind(value) == "field" then return { check_field(arg, value, fail) } end
    local values = {}
    for i, item in ipairs(V.items(value)) do values[i] = check_field(arg, item, fail) end
    return values
  end
  if what == "model" and kind(value) ~= "model" then return (fail("'%s' is a model, not %s", arg.name, V.called(value))) end
  if what == "models" or what == "parts" then
    value = V.list(value)
    for i, item in ipairs(V.items(value)) do
      if kind(item) ~= "model" then return (fail("'%s': member %d is %s, not a model", arg.name, i, V.called(item))) end
    end
  end
  if what == "score" and not A.scores[value] then return (fail("'%s' is the score of --score, not %s of the recipe's own", arg.name, V.called(value))) end
  if what == "calibration" and kind(value) ~= "data" then return (fail("'%s' is the data of --data, not %s", arg.name, V.called(value))) end
  if what == "seed" and kind(value) ~= "seed" then return (fail("'%s' is a seed, not %s", arg.name, V.called(value))) end
  return value
end

--- A list of `count` values from those given: one stands for all.
function A.spread(arg, values, count, complain)
  if #values ~= 1 and #values ~= count then return (complain("'%s' has %d values for %d models", arg.name, #values, count)) end
  local list = {}
  for i = 1, count do list[i] = values[#values == 1 and 1 or i] end
  return (V.list(list))
end

A.usage = usage
return A
