--- convert.lua: a file of mergekit becomes the text of a recipe, and the words that are typed with it: models, dtype, donor. Several
-- documents are one graph: a model that is called like a document is what that document makes.
local core = ...
local N, R, W = core.module("mergekit/node"), core.module("mergekit/read"), core.module("mergekit/write")

local MOST_MODELS = 150 -- a function of Lua has 200 variables at most

-- ---- the models of the file ----

--- Every model in the order of the file, each once.
local function inputs_of(doc, script)
  for _, slice in ipairs(doc.slices) do
    for _, source in ipairs(slice.sources) do script.variable(source.model) end
  end
end

local function new_script()
  local name, script = W.namer(), { models = {}, lines = {}, required = {}, order = {}, seeds = 0 }
  local variables = {}
  function script.variable(model)
    if not variables[model.key] then
      if #script.models == MOST_MODELS then N.refuse(model.node, "more than %d models", MOST_MODELS) end
      variables[model.key] = name(model.adapter and model.path .. "_" .. (model.adapter:match("([^/\\]+)$") or "") or model.path)
      script.models[#script.models + 1] = model.key
      script.lines[#script.lines + 1] = { variables[model.key], model }
    end
    return variables[model.key]
  end
  function script.number(key)
    for i, model in ipairs(script.models) do if model == key then return i end end
  end
  function script.require(recipe)
    if not script.required[recipe] then script.order[#script.order + 1] = recipe end
    script.required[recipe] = true
  end
  function script.seed()
    script.seeds = script.seeds + 1
    return ("a.seed:at(%d)"):format(script.seeds)
  end
  return script
end

-- ---- words ----

--- A word as a shell takes it back.
local function shell(word)
  if word:find("^[%w_/.,:=+@%%-]+$") then return word end
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

local function command(name, words)
  local stem = (name:match("([^/]+)$") or name):gsub("%.ya?ml$", "")
  local parts = { "moonweld", shell("./" .. stem .. ".lua") }
  for _, given in ipairs(words) do
    parts[#parts + 1] = "--" .. given.name:gsub("_", "-")
    for _, word in ipairs(given) do parts[#parts + 1] = shell(word) end
  end
  return table.concat(parts, " ") .. " -o OUT"
end

local function words_of(doc, script, strict)
  local donor = doc.base or doc.slices[1].sources[1].model
  local words = { { name = "models", table.unpack(script.models) }, { name = "donor", ("models[%d]"):format(script.number(donor.key) or 1) } }
  if doc.dtype then words[#words + 1] = { name = "dtype", doc.dtype } end
  if not strict then words[#words + 1] = { name = "allow", "config", "tokenizer" } end
  return words
end

-- ---- the recipe ----

local function quoted_block(text)
  if not core.plain(text:gsub("[\n\t]", " ")) then return (R.quoted(text)) end
  local level = ""
  while text:find("]" .. level .. "]", 1, true) do level = level .. "=" end
  return "[" .. level .. "[\n" .. text .. "]" .. level .. "]"
end

local function summary_of(doc, name, script)
  local text = ("%s of %s"):format(doc.method_name, table.concat(script.models, ", "))
  if #text > 300 then text = ("%s of %d models"):format(doc.method_name, #script.models) end
  return (("%s: %s."):format(name:match("([^/]+)$") or name, text):gsub("[%c]", " "))
end

local function compose(doc, name, text, strict)
  local script, body, w = new_script(), W.writer(), W.writer()
  inputs_of(doc, script)
  W.add_document(body, 2, script, doc, "return ", "")
  local words = words_of(doc, script, strict)
  w.add(0, "-- " .. command(name, words))
  for _, recipe in ipairs(script.order) do w.add(0, ("local %s = require %q"):format(recipe, recipe)) end
  w.add(0, "return recipe {")
  w.add(1, R.quoted(summary_of(doc, name, script)) .. ",")
  w.add(1, ("arg.models(\"models\", \"those of the configuration, in its order\", { min = %d, max = %d }),"):format(#script.models, #script.models))
  if script.seeds > 0 then w.add(1, "arg.seed(),") end
  w.add(1, "function(a)")
  for i, line in ipairs(script.lines) do
    w.add(2, ("local %s = a.models[%d]%s"):format(line[1], i, W.origin(line[2].node, "model")))
  end
  return { w = w, body = body, words = words, text = text }
end

return function(text, name, strict)
  N.file, N.strict = name, strict
  local documents = core.yaml(text, name)
  if #documents == 0 then return (N.refuse(nil, "is empty")) end
  if #documents > 1 then return (N.refuse(documents[2], "several documents")) end
  local doc = R.document(documents[1])
  local made = compose(doc, name, text, strict)
  local result = made.w.text() .. made.body.text() .. "  end,\n  mergekit = " .. quoted_block(text) .. ",\n}\n"
  local converted = { text = result }
  for i, given in ipairs(made.words) do converted[i] = given end
  return converted
end
