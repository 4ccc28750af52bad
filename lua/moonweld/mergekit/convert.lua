--- convert.lua: a file of mergekit becomes the text of a recipe, and the words that are typed with it: models, dtype, donor, tokenizer.
-- Several documents are one graph: a model that is called like a document is what that document makes.
local core = ...
local N, R, W = core.module("mergekit/node"), core.module("mergekit/read"), core.module("mergekit/write")
local E = core.module("mergekit/experts")

local MOST_NAMED = 150 -- models, documents and modules: a function of Lua has 200 variables at most
local MOST_BYTES = 256 << 10 -- of a recipe (src/recipe/source.c)

-- ---- documents ----

--- The document that a path names: by its name, or as the folder that mergekit would write it to.
local function document_of(documents, path)
  return documents.by_name[path] or documents.by_name[path:match("^%.?/?intermediates/([^/]+)/?$") or ""]
end

--- The models that a document names, its tokenizer's aside.
local function models_of(doc)
  if doc.experts then return (E.models(doc)) end
  local models = {}
  for _, slice in ipairs(doc.slices) do for _, source in ipairs(slice.sources) do models[#models + 1] = source.model end end
  return models
end

local function read_documents(roots)
  local documents = { by_name = {} }
  for i, root in ipairs(roots) do
    local mixture = E.is_one(root)
    if mixture and #roots > 1 then return (N.refuse(root, "a mixture of experts is a file of its own: one document")) end
    local doc = mixture and E.document(root) or R.document(root)
    documents[i] = doc
    if #roots > 1 and doc.name then
      local before = documents.by_name[doc.name]
      if before then return (N.refuse(doc.name_node, "two documents are called '%s', here and in line %d", core.shown(doc.name), before.name_node.line)) end
      documents.by_name[doc.name] = doc
    end
  end
  return documents
end

--- The result: the document without a name, or the only one that no other uses.
local function result_of(documents)
  if #documents == 1 then return documents[1] end
  local unnamed, used, ends = {}, {}, {}
  for _, doc in ipairs(documents) do
    if not doc.name then unnamed[#unnamed + 1] = doc end
    for _, model in ipairs(models_of(doc)) do used[document_of(documents, model.path) or 0] = true end
  end
  if #unnamed > 1 then
    return (N.refuse(unnamed[2].root, "two documents have no 'name', the other in line %d: the one without a name is the result", unnamed[1].root.line))
  end
  if unnamed[1] then return unnamed[1] end
  for _, doc in ipairs(documents) do if not used[doc] then ends[#ends + 1] = doc end end
  if #ends == 1 then return ends[1] end
  local names = {}
  for i, doc in ipairs(#ends > 0 and ends or documents) do names[i] = "'" .. core.shown(doc.name) .. "'" end
  if #ends == 0 then return (N.refuse(documents[1].root, "the documents %s use each other in a circle, so none is the result", table.concat(names, ", "))) end
  return (N.refuse(ends[2].name_node, "%s are results, none of which another document uses: leave out the name of the one that is meant", table.concat(names, " and ")))
end

--- The documents that `doc` needs, each behind those that it needs itself; `doc` is the last.
local function in_order(documents, doc, order, path)
  if doc.placed then return order end
  if doc.entered then
    while path[1] ~= core.shown(doc.name) do table.remove(path, 1) end
    return (N.refuse(doc.name_node, "the documents %s use each other in a circle", table.concat(path, " -> ")))
  end
  doc.entered = true
  for _, model in ipairs(models_of(doc)) do
    local needed = document_of(documents, model.path)
    if needed then
      local longer = table.move(path, 1, #path, 1, {})
      longer[#longer + 1] = core.shown(needed.name)
      in_order(documents, needed, order, longer)
    end
  end
  doc.placed = true
  order[#order + 1] = doc
  return order
end

--- Whose configuration the result has: a model of the file, never a document.
local function donor_of(documents, doc)
  local model = doc.base or doc.slices[1].sources[1].model
  local inner = document_of(documents, model.path)
  return inner and donor_of(documents, inner) or model
end

--- The type of a document's result as far as the file says it: its own, or, of documents that it is made of, the least that holds all. It
--- is found once of each, since a document may be used twice by one that is used twice.
local function dtype_of(documents, doc)
  if doc.dtype or doc.dtype_found ~= nil then return doc.dtype or doc.dtype_found or nil end
  local types, models = {}, false
  for _, model in ipairs(models_of(doc)) do
    local inner = document_of(documents, model.path)
    local own = inner and dtype_of(documents, inner)
    models = models or not own
    types[own or ""] = true
  end
  doc.dtype_found = types.f64 and "f64" or (types.f32 or types.f16 and types.bf16) and "f32"
    or not models and (types.f16 and "f16" or types.bf16 and "bf16") or false
  return doc.dtype_found or nil
end

-- ---- the models of the file ----

local function new_script(documents)
  local unique, script, variables, seeds, named = W.namer(), { models = {}, lines = {}, required = {}, order = {} }, {}, 0, 0

  --- The variable of what the file calls so at a node.
  function script.name(path, node)
    named = named + 1
    if named > MOST_NAMED then N.refuse(node, "more than %d models, documents and modules", MOST_NAMED) end
    return (unique(path))
  end

  local function add_model(key, path, node)
    variables[key] = script.name(path, node)
    script.models[#script.models + 1] = key
    script.lines[#script.lines + 1] = ("local %s = a.models[%d]%s"):format(variables[key], #script.models, W.origin(node, "model"))
    return variables[key]
  end

  --- What a document with an adapter is: the document, and what the adapter adds to the model that the document began with.
  local function adapted(doc, model)
    local donor = donor_of(documents, doc)
    local plain, with = script.variable(donor), donor.path .. "+" .. model.adapter
    local other = variables[with] or add_model(with, donor.path .. "_" .. model.adapter:gsub("/+$", ""):match("[^/]+$"), model.node)
    return ("(%s + (%s - %s))"):format(doc.variable, other, plain)
  end

  function script.variable(model)
    local doc = document_of(documents, model.path)
    if doc then return model.adapter and adapted(doc, model) or doc.variable end
    return variables[model.key] or add_model(model.key, model.adapter and model.path .. "_" .. (model.adapter:gsub("/+$", ""):match("[^/\\]+$") or "") or model.path, model.node)
  end
  function script.label(key)
    for i, model in ipairs(script.models) do if model == key then return ("models[%d]"):format(i) end end
  end
  function script.name_document(doc) doc.variable = script.name(doc.name, doc.name_node) end
  function script.require(recipe)
    if not script.required[recipe] then script.order[#script.order + 1] = recipe end
    script.required[recipe] = true
  end
  function script.seed()
    seeds = seeds + 1
    script.random = true
    return ("a.seed:at(%d)"):format(seeds)
  end
  return script
end

-- ---- words ----

--- A word as a shell takes it back.
local function shell(word)
  if word:find("^[%w_/.,:=+@%%-]+$") then return word end
  if word:find("%c") then
    return "$'" .. word:gsub("[%c'\\]", function(c) return (("\\x%02x"):format(c:byte())) end) .. "'"
  end
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

local function command(name, words)
  local stem = (name:match("([^/]+)$") or name):gsub("%.ya?ml$", "")
  local parts = { "moonweld", shell("./" .. stem .. ".lua") }
  for _, given in ipairs(words) do
    parts[#parts + 1] = "--" .. given.name:gsub("_", "-")
    for _, word in ipairs(given) do parts[#parts + 1] = shell(word) end
  end
  return (table.concat(parts, " ") .. " -o OUT")
end

--- --stand-in, where slices have different models: rows that a model lacks are those of models in the same slice, for embeddings the first
--- one, for heads the last one.
local function stand_in(doc, script, whose)
  local words, all = { name = "stand_in" }, true
  if doc.experts or doc.parts[1].name then return {} end
  for role, slice in pairs { embeddings = doc.slices[1], heads = doc.slices[#doc.slices] } do
    local named = {}
    for _, source in ipairs(slice.sources) do named[whose(source.model)] = true end
    for i in ipairs(script.models) do
      local label = ("models[%d]"):format(i)
      if named[label] then words[#words + 1] = role .. ":" .. label end
      all = all and named[label]
    end
  end
  table.sort(words)
  return all and {} or { words }
end

--- --tokenizer, --tokens, --stand-in and --pad-vocabulary of what the document says of the vocabulary.
local function add_tokenizer(words, documents, doc, script)
  local spec = doc.tokenizer
  if not spec then return end
  local function whose(reference, rule)
    local inner = document_of(documents, reference.path)
    local key = inner and donor_of(documents, inner).key or reference.path
    local label = script.label(reference.key) or script.label(key)
    if rule and not label then
      return (N.refuse(reference.node, "%s: %s is none of the models that are merged here", rule, core.shown(reference.key)))
    end
    return label or key
  end
  local source = spec.source
  words[#words + 1] = { name = "tokenizer", (source.word == "union" or source.word == "base") and source.word or whose(source.reference) }
  if #spec.tokens > 0 then
    local rules = {}
    for i, rule in ipairs(spec.tokens) do rules[i] = ("%s: %s"):format(R.json(rule.token), rule.json(whose)) end
    words[#words + 1] = { name = "tokens", "{" .. table.concat(rules, ", ") .. "}" }
  end
  for _, word in ipairs(stand_in(doc, script, whose)) do words[#words + 1] = word end
  if spec.multiple then words[#words + 1] = { name = "pad_vocabulary", ("%d"):format(spec.multiple) } end
end

local function words_of(documents, doc, script)
  local words, donor = { { name = "models", table.unpack(script.models) } }, script.label(donor_of(documents, doc).key)
  -- Who is named donor also gives rows of tokens that others lack; without a base nobody goes first, and the first model is the donor.
  if doc.base or donor ~= "models[1]" then words[2] = { name = "donor", donor } end
  words[#words + 1] = { name = "dtype", dtype_of(documents, doc) or "widest" }
  add_tokenizer(words, documents, doc, script)
  if doc.template then words[#words + 1] = { name = "chat_template", doc.template } end
  words[#words + 1], words[#words + 2] = { name = "tied", "store" }, { name = "rename", "auto" }
  if not N.strict then words[#words + 1] = { name = "allow", "config", "tokenizer" } end
  return words
end

-- ---- the recipe ----

local function block(text)
  if not core.plain((text:gsub("[\n\t]", " "))) then return (N.quoted(text)) end
  local level = ""
  while (text .. "]"):find("]" .. level .. "]", 1, true) do level = level .. "=" end -- a file may end with "]" and no line's end
  return "[" .. level .. "[\n" .. text .. "]" .. level .. "]"
end

local function summary_of(doc, name, script)
  local text = ("%s of %s"):format(doc.method_name, table.concat(script.models, ", "))
  if #text > 300 then text = ("%s of %d models"):format(doc.method_name, #script.models) end
  return ((("%s: %s."):format(name:match("([^/]+)$") or name, text):gsub("[%c]", " ")))
end

--- Whether a document rounds what it makes; others read it as its files would have it.
local function rounding(doc)
  if not doc.dtype then return ':as("stored")' end
  return (doc.dtype == "bf16" or doc.dtype == "f16") and (":as(%q)"):format(doc.dtype) or ""
end

local function compose(documents, doc, name, text)
  local script, body, w = new_script(documents), W.writer(), W.writer()
  local order = in_order(documents, doc, {}, { core.shown(doc.name or "the result") })
  for _, other in ipairs(documents) do
    if not other.placed then N.warn(other.root, "the document '%s' is used by no other: it is left out", core.shown(other.name)) end
  end
  for _, part in ipairs(order) do
    if part ~= doc then script.name_document(part) end
    for _, model in ipairs(models_of(part)) do script.variable(model) end
    if part.experts then E.write(body, 2, script, part)
    else
      W.add_document(body, 2, script, part, part == doc and "return " or ("local %s = "):format(part.variable), part ~= doc and rounding(part) or #order > 1 and ":unweighed()" or "")
    end
  end
  script.variable(donor_of(documents, doc)) -- a base_model that no slice merges gives configuration and tokenizer all the same
  local words = words_of(documents, doc, script)
  w.add(0, "-- " .. command(name, words))
  for _, recipe in ipairs(script.order) do w.add(0, ("local %s = require %q"):format(recipe, recipe)) end
  w.add(0, "return recipe {")
  w.add(1, N.quoted(summary_of(doc, name, script)) .. ",")
  w.add(1, ("arg.models(\"models\", \"those of the configuration, in its order\", { min = %d, max = %d }),"):format(#script.models, #script.models))
  if script.random then w.add(1, "arg.seed(),") end
  w.add(1, "function(a)")
  for _, line in ipairs(script.lines) do w.add(2, line) end
  words.text = w.text() .. body.text() .. "  end,\n  mergekit = " .. block(text) .. ",\n}\n"
  if #words.text > MOST_BYTES then N.refuse(nil, "the recipe that it becomes has %d bytes, and at most %d are read", #words.text, MOST_BYTES) end
  return words
end

return function(text, name, strict)
  N.file, N.strict = name, strict
  local roots = {}
  for _, root in ipairs(core.yaml(text, name)) do
    if root.kind ~= "text" or N.value(root) ~= nil then roots[#roots + 1] = root end -- a document of nothing is none
  end
  if #roots == 0 then return (N.advise(nil, "a configuration has at least 'merge_method:' and 'models:'", "is empty")) end
  local documents = read_documents(roots)
  return (compose(documents, result_of(documents), name, text))
end
