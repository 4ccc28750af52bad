--- init.lua: what C calls: the signature of a recipe, and its evaluation into named outputs (prelude_core.c is the other side).
local core = ...
local V, E, R, A = core.module("value"), core.module("env"), core.module("recipe"), core.module("arg")
local meet = core.module("meet")
local prelude = {}

local function fallback_text(default)
  if default == nil then return "" end
  if type(default) == "number" then return (A.number_text(default)) end
  return (tostring(default))
end

--- The default under each word of `profile`, where they differ.
local function profiled(signature, arg)
  local texts, differ = {}, false
  for i, word in ipairs(next(signature.profiles) and signature.by_name.profile.choices or {}) do
    local default = R.default_of(signature, arg, word)
    texts[i], differ = fallback_text(default), differ or default ~= arg.default
  end
  return differ and texts or nil
end

function prelude.signature(text, chunk)
  local signature = R.signature_of(E.load(text, chunk))
  local args = {}
  for i, arg in ipairs(signature.args) do
    args[i] = { name = arg.name, kind = arg.kind, doc = arg.doc, fallback = fallback_text(arg.default),
      profiled = profiled(signature, arg), optional = arg.optional, whole = arg.whole, min = arg.min, max = arg.max,
      choices = arg.choices, adapter = arg.adapter }
  end
  return { summary = signature.summary, paper = signature.paper, mergekit = signature.mergekit, args = args }
end

--- The text of a recipe with all that it requires.
function prelude.pack(text, chunk)
  return (core.module("pack").text(text, chunk))
end

local function open_models()
  local opened = {}
  local stand_in = core.missing_base and function(name) return meet.donor.nodes[name] end
  for m, source in ipairs(core.models) do
    local nodes, kept = {}, {}
    for i, name in ipairs(source.names) do nodes[name] = core.input(m, source.rows[i]) end
    for name, row in pairs(source.kept) do kept[name] = { m, row } end
    source.names = meet.names(source.names)
    opened[m] = V.model(source.names, nodes, source.label, { kept = kept, measured = source.names }, stand_in)
    V.data(opened[m]).where, V.data(opened[m]).adapted = source.where, source.adapted
  end
  meet.donor = V.data(opened[core.donor])
  return opened
end

--- Tells what each argument that varies over the model gives every tensor that is computed.
local function explain(result)
  for _, varying in ipairs(A.varying) do
    for _, name in ipairs(V.data(result).names) do core.explained(varying[1], name, V.at(varying[2], name, V.data(result).measured)) end
  end
end

--- words: { argument = { word, ... } }; places: { argument = { number of a model, ... } }.
function prelude.evaluate(text, chunk, words, places)
  local recipe = E.load(text, chunk)
  local opened, models = open_models(), {}
  for name, numbers in pairs(places) do
    models[name] = {}
    for i, number in ipairs(numbers) do models[name][i] = opened[number] end
  end
  local result = core.module("result").asked(R.run(recipe, words, models)) -- no tail calls: what is wrong with a result is said of its recipe (interpreter.c)
  local outputs = core.module("result").outputs(result)
  outputs.shown = core.module("show").shown
  if core.explain then explain(result) end
  return outputs
end

--- The mean cross-entropy of a model on each data set: of the tensors given by name, or of the first model as it is.
function prelude.losses(nodes, config)
  core.config = config or core.config -- a candidate's own
  local model = open_models()[1]
  local names = {}
  for name in pairs(nodes or {}) do names[#names + 1] = name end
  table.sort(names)
  return (core.module("learn").losses(nodes and V.model(names, nodes, "the candidate") or model))
end

--- A configuration of mergekit as a recipe: its text, and the words of options and arguments, each { name =, word, ... }.
function prelude.convert(text, name, strict) return (core.module("mergekit/convert")(text, name, strict)) end

return prelude
