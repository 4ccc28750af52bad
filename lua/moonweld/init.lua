--- init.lua: what C calls: the signature of a recipe, and its evaluation into named outputs (core.c is the other side).
local core = ...
local V, E, R, A = core.module("value"), core.module("env"), core.module("recipe"), core.module("arg")
local fail, kind = V.fail, V.kind
local prelude = {}

local function fallback_text(default)
  if default == nil then return "" end
  if type(default) == "number" then return A.number_text(default) end
  return tostring(default)
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
      profiled = profiled(signature, arg), optional = arg.optional, whole = arg.whole, min = arg.min, max = arg.max, choices = arg.choices }
  end
  return { summary = signature.summary, paper = signature.paper, args = args }
end

local function open_models()
  local opened = {}
  for m, source in ipairs(core.models) do
    local nodes = {}
    for i, name in ipairs(source.names) do nodes[name] = core.input(m, source.rows[i]) end
    opened[m] = V.model(source.names, nodes, source.label)
  end
  return opened
end

--- A recipe ends at one model's weight; what is not linear has none that is known.
local function check_mass(names, nodes)
  local masses = core.mass(nodes)
  for i, mass in ipairs(masses) do
    if mass == mass and math.abs(mass - 1) > 1e-6 then
      if math.abs(mass) == math.huge then fail("tensor '%s': the weights of the result are not finite", core.shown(names[i])) end
      local count = A.number_text(mass)
      fail("the result weighs %s models, not 1%s", count,
        mass > 1 and " -- did you mean mean(...)?" or math.abs(mass) < 1e-6 and " -- was the base to be added?" or "")
    end
  end
end

local function check_result(result)
  if kind(result) ~= "model" then
    return fail("the recipe returns a %s, not a model%s", kind(result), kind(result) == "list" and " -- did you mean mean(...)?" or "")
  end
  local private, outputs, nodes = V.data(result), {}, {}
  for _, name in ipairs(core.models[1].names) do
    if private.nodes[name] == nil then
      return fail("the result lacks tensor '%s' -- base:with(result) fills what is missing", core.shown(name))
    end
  end
  for i, name in ipairs(private.names) do
    local node = private.nodes[name]
    if not core.shape(node) then return fail("tensor '%s' of the result is a number, not a tensor", core.shown(name)) end
    outputs[i], nodes[i] = { name, node }, node
  end
  check_mass(private.names, nodes)
  return outputs
end

--- words: { argument = { word, ... } }; places: { argument = { number of a model, ... } }.
function prelude.evaluate(text, chunk, words, places)
  local recipe = E.load(text, chunk)
  local opened, models = open_models(), {}
  for name, numbers in pairs(places) do
    models[name] = {}
    for i, number in ipairs(numbers) do models[name][i] = opened[number] end
  end
  return check_result(R.run(recipe, words, models))
end

return prelude
