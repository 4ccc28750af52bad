--- read.lua: one configuration of mergekit, checked: which method merges which models in which slices, with the parameters' nodes as
-- they stand in the file. Everything that needs no model is refused here, with its line.
local core = ...
local N, methods = core.module("mergekit/node"), core.module("mergekit/methods")
local suggest = core.module("suggest")
local R = {}
local set = N.set

local keys = {
  top = set "merge_method models slices modules base_model parameters dtype out_dtype tokenizer_source tokenizer chat_template name",
  model = set "model parameters", source = set "model layer_range parameters", slice = set "sources base_model parameters residual_weight",
  module = set "models slices parameters", reference = set "model lora override_architecture",
  path = set "path revision", tokenizer = set "source tokens pad_to_multiple_of", rule = set "source force", token = set "kind model token token_id",
}

-- ---- names of models ----

local function path_of(node, what)
  if node.kind == "text" then return (N.text(node, what)) end
  local map = N.map(node, what)
  N.check_keys(map, keys.path, what)
  local path = N.get(map, "path") or N.refuse(node, "%s has no 'path'", what)
  local revision = N.get(map, "revision")
  return N.text(path, "'path'") .. (revision and "@" .. N.text(revision, "'revision'") or "")
end

--- Whether a model is a file: then its name has no adapter, and none of its tensors is in a layer (mergekit-pytorch).
function R.is_file(path) return path:find("%.safetensors$") ~= nil end

--- { key = "PATH+ADAPTER", path =, adapter =, node = } of "PATH[@REVISION][+ADAPTER[@REVISION]]", or of the mapping that mergekit prints.
function R.reference(node)
  local path, adapter
  if node.kind == "map" and N.map(node, "").values.path then path = path_of(node, "a model")
  elseif node.kind == "map" then
    local map = N.map(node, "a model")
    N.check_keys(map, keys.reference, "a model")
    path = path_of(N.get(map, "model") or N.refuse(node, "a model has no 'model'"), "'model'")
    local lora = N.get(map, "lora")
    adapter = lora and path_of(lora, "'lora'")
  else path = N.text(node, "a model") end
  local key = adapter and path .. "+" .. adapter or path
  if not adapter and not R.is_file(key) then path, adapter = key:match("^([^+]+)%+(.+)$") end
  return { key = key, path = path or key, adapter = adapter, node = node }
end

-- ---- parameters ----

--- The parameters of a method by name; `own`: only those that a model can have for itself.
local function known_parameters(method, own)
  local known = {}
  for _, list in ipairs { method.each, not own and method.shared or nil } do for _, param in ipairs(list) do known[param[1]] = param end end
  return known
end

--- What stands under `parameters`; `own`: under those of a model.
local function parameters_of(map, doc, own)
  local node = N.get(map, "parameters")
  if not node then return nil end
  local params, whole = N.map(node, "'parameters'"), known_parameters(doc.method)
  N.check_keys(params, known_parameters(doc.method, own), (own and "a model's parameters with %s" or "the parameters of %s"):format(doc.method_name), function(name)
    if whole[name] then return "; it is one of the whole: put it under the 'parameters:' at the top" end
    if keys.top[name] then return ("; '%s' stands at the top of the file"):format(name) end
    if name == "random_seed" or name == "seed" then return "; --seed N sets the seed" end
    return (suggest.key(name, whole))
  end)
  return params
end

--- What a key that stands beside `model` or at the top was perhaps meant to be.
local function misplaced(doc)
  return function(name)
    if known_parameters(doc.method)[name] then return ("; put '%s' under 'parameters:'"):format(name) end
    if name == "revision" then return "; a revision is written into the model's name, as MODEL@REVISION" end
    if name == "layer_range" then return "; layers are chosen with 'slices:' and its 'sources:'" end
    if name == "out_path" or name == "output" then return "; -o OUT says where the result goes" end
    if name == "random_seed" or name == "seed" then return "; --seed N sets the seed" end
    return (suggest.key(name, keys.top))
  end
end

-- ---- sources, slices ----

local function range_of(node, model)
  if node.kind ~= "list" then return (N.refuse(node, "'layer_range' is a list, [first, end], such as [0, 16], not %s", N.shown(node))) end
  local shown = ("layer_range of %s"):format(core.shown(model))
  if #node ~= 2 then return (N.refuse(node, "%s has %d numbers: it is [first, end), such as [0, 16]", shown, #node)) end
  local first, last = N.whole(node[1], "layer_range", 0), N.whole(node[2], "layer_range", 0)
  if last <= first then
    return (N.refuse(node, "%s is [%d, %d]: the first layer counts from 0, and the range ends before its second number", shown, first, last))
  end
  return { first, last }
end

local function source_of(node, doc, kind)
  local what = kind == "model" and "an entry of 'models'" or "an entry of 'sources'"
  if node.kind == "text" then return (N.refuse(node, "%s is a mapping, not %s: write 'model: %s'", what, N.shown(node), core.shown(node.text))) end
  local map = N.map(node, what)
  N.check_keys(map, keys[kind], what, misplaced(doc))
  local model = N.get(map, "model") or N.refuse(node, "%s has no 'model'", what)
  local source = { model = R.reference(model), params = nil, node = node, map = map }
  source.params = parameters_of(map, doc, true)
  if kind == "source" then
    source.range_node = N.get(map, "layer_range") or N.refuse(node, "%s has no 'layer_range': [first, end)", what)
    source.range = range_of(source.range_node, source.model.key)
  end
  return source
end

--- `models:` is one slice of all layers. A base that is not among them joins.
local function models_slice(node, doc)
  local slice = { sources = {}, base = doc.base, node = node }
  local listed = false
  for i, entry in ipairs(N.list(node, "'models'")) do
    slice.sources[i] = source_of(entry, doc, "model")
    listed = listed or doc.base and slice.sources[i].model.key == doc.base.key
  end
  if #node == 0 then return (N.refuse(node, "'models' is empty")) end
  if doc.base and not listed then
    slice.sources[#slice.sources + 1] = { model = doc.base, node = doc.base.node, joined = true }
  end
  return { slice }
end

local function check_lengths(slice)
  local length, differ, told = nil, false, {}
  for i, source in ipairs(slice.sources) do
    local own = source.range[2] - source.range[1]
    length, differ = length or own, differ or length ~= nil and own ~= length
    told[i] = ("%s has %d"):format(core.shown(source.model.key), own)
  end
  if differ then N.refuse(slice.node, "layer_range: the sources of a slice have equally many layers: %s", table.concat(told, ", ")) end
end

local function slices_of(node, doc)
  local slices = {}
  for i, entry in ipairs(N.list(node, "'slices'")) do
    local map = N.map(entry, "an entry of 'slices'")
    N.check_keys(map, keys.slice, "a slice", misplaced(doc))
    local base = N.get(map, "base_model")
    local slice = { sources = {}, params = parameters_of(map, doc), base = base and R.reference(base) or doc.base, node = entry }
    local sources = N.get(map, "sources") or N.refuse(entry, "a slice has no 'sources'")
    for k, source in ipairs(N.list(sources, "'sources'")) do slice.sources[k] = source_of(source, doc, "source") end
    if #slice.sources == 0 then N.refuse(sources, "'sources' is empty") end
    check_lengths(slice)
    slices[i] = slice
  end
  if #slices == 0 then return (N.refuse(node, "'slices' is empty")) end
  return slices
end

-- ---- numbers of models ----

local function plural(count) return (("%d model%s"):format(count, count == 1 and "" or "s")) end

local function wanted(method)
  local beside = method.base == "needed" and " beside the base" or ""
  if method.least == method.most then return plural(method.least) .. beside end
  return (method.most and "%d to %s" or "at least %s"):format(method.most and method.least or plural(method.least), method.most and plural(method.most)) .. beside
end

--- The slice's base and the others; a base that a method takes as a model like others is one of these.
local function divide(slice, doc)
  local method, name = doc.method, doc.method_name
  slice.others = {}
  for _, source in ipairs(slice.sources) do
    if method.base ~= "model" and slice.base and source.model.key == slice.base.key then slice.base_source = slice.base_source or source
    else slice.others[#slice.others + 1] = source end
  end
  if method.base == "needed" and not slice.base then
    N.refuse(doc.method_node, "%s needs a base_model: the model that the others were tuned from", name)
  end
  if method.base == "needed" and not slice.base_source then
    N.refuse(slice.node, "%s needs its base among the sources of each slice: list 'model: %s' with its layer_range", name, core.shown(slice.base.key))
  end
  local count = #slice.others
  if count >= method.least and count <= (method.most or math.huge) then return end
  local joined = slice.sources[#slice.sources].joined and method.base == "model"
  N.refuse(joined and slice.base.node or slice.node, "%s takes %s, and here are %d%s", name, wanted(method), count,
    joined and (": base_model %s joins the list, so leave base_model out"):format(core.shown(slice.base.key)) or "")
end

-- ---- the whole ----

local cousins = { dare = "dare_ties or dare_linear", average = "linear", weighted_average = "linear", mean = "linear", frankenmerge = "passthrough" }
local forks = set "ota cabs magic tsvm tsv iso_c iso_cts core_space wudi lorahub star consensus_ta consensus_ties pcb emr"

local function method_of(map, root)
  local node = N.get(map, "merge_method")
  for _, key in ipairs(node and {} or map.names) do
    if suggest.hint(key, { "merge_method" }) ~= "" then N.refuse(map.by_name[key], "'%s' is no key of a configuration -- did you mean 'merge_method'?", core.shown(key)) end
  end
  if not node then return (N.refuse(root, "there is no 'merge_method'")) end
  local name = N.text(node, "merge_method")
  if methods[name] then return methods[name], name, node end
  local words = {}
  for known in pairs(methods) do words[#words + 1] = known end
  table.sort(words)
  local all = table.concat(words, ", ")
  local near = cousins[name] and (" -- did you mean %s?"):format(cousins[name]) or suggest.hint(name, words)
  return (N.advise(node, "the methods are " .. all, "there is no merge_method '%s'%s%s", core.shown(name),
    forks[name] and " in mergekit itself (a fork of it has one)" or "", near))
end

local dtypes = { float32 = "f32", float16 = "f16", bfloat16 = "bf16", float64 = "f64" }

local function dtype_of(map, name)
  local node = N.get(map, name)
  if not node then return nil end
  local text = N.text(node, name)
  local dtype = dtypes[text:gsub("^torch%.", "")]
  return dtype or N.refuse(node, "%s is float32, float16, bfloat16 or float64, not '%s'", name, core.shown(text))
end

--- The one of models, slices and modules that a mapping has, and what stands there. One that is empty counts where no other is there.
local function form_of(map, root, ...)
  local words, found, empty = { ... }, {}, {}
  for _, name in ipairs(words) do
    local node = N.get(map, name)
    if node then table.insert(node.kind ~= "text" and #node == 0 and empty or found, name) end
  end
  if #found == 0 then found, empty = empty, {} end
  for _, name in ipairs(empty) do N.warn(map.by_name[name], "'%s' is empty: mergekit goes by '%s', and so does this merge", name, found[1]) end
  if #found == 1 then return found[1], N.get(map, found[1]) end
  local all = (table.concat(words, ", "):gsub(", (%w+)$", " and %1"))
  for _, name in ipairs(#found == 0 and map.names or {}) do
    local near = suggest.hint(name, words)
    if near ~= "" then N.refuse(map.by_name[name], "expected one of %s, found '%s'%s", all, core.shown(name), near) end
  end
  return (N.refuse(map.by_name[found[2]] or root, "expected one of %s, found %s", all, #found == 0 and "none" or table.concat(found, " and ")))
end

--- The slices of `models:` or `slices:`, each with the parameters of its module.
local function divided(doc, form, node, module_params)
  local slices = (form == "models" and models_slice or slices_of)(node, doc)
  for _, slice in ipairs(slices) do
    slice.module_params = module_params
    divide(slice, doc)
    doc.slices[#doc.slices + 1] = slice
  end
  return slices
end

--- Fills doc.slices, and doc.parts = { { name =, slices =, node = }, ... }: the modules of a model of several parts. A part without a
--- name is the whole model, as one that is called 'default' is.
local function read_form(doc, map)
  local form, node = form_of(map, doc.root, "models", "slices", "modules")
  doc.form, doc.form_node = form, map.by_name[form]
  doc.slices, doc.parts = {}, {}
  if form ~= "modules" then
    doc.parts[1] = { slices = divided(doc, form, node) }
    return
  end
  local modules = N.map(node, "'modules'")
  if #modules.names == 0 then N.refuse(node, "'modules' has none: its one name is 'default', or it has those of the model's parts, such as 'text_decoder'") end
  for _, name in ipairs(modules.names) do
    local inner = N.map(modules.values[name], ("module '%s'"):format(core.shown(name)))
    if name == "default" and #modules.names > 1 then N.refuse(modules.by_name[name], "'default' is the whole model, and stands alone") end
    N.check_keys(inner, keys.module, "a module")
    local inner_form, inner_node = form_of(inner, inner.node, "models", "slices")
    doc.parts[#doc.parts + 1] = { name = name ~= "default" and name or nil, node = modules.by_name[name],
      slices = divided(doc, inner_form, inner_node, parameters_of(inner, doc)) }
  end
end

-- ---- vocabulary and chat template ----

function R.json(text)
  return '"' .. text:gsub('[%c"\\]', function(c) return (("\\u%04x"):format(c:byte())) end) .. '"'
end

--- A rule of `tokens`: json(whose) is it as --tokens takes it, where `whose` gives the word of a model.
local function rule_of(token, node)
  local map = N.map(node, ("the rule of token '%s'"):format(core.shown(token)))
  N.check_keys(map, keys.rule, "a rule of 'tokens'")
  local source, force = N.get(map, "source"), N.get(map, "force")
  local forced = force and N.truth(force, "force")
  if not source then
    if forced then return (N.refuse(node, "token '%s' is forced and has no 'source'", core.shown(token))) end
    return { token = token, json = function() return "{}" end } -- it shall be there
  end
  local tail, told = forced and ', "force": true}' or "}", ("token '%s'"):format(core.shown(token))
  local inner = source.kind == "map" and N.map(source, "a source")
  if not inner or not N.get(inner, "kind") then
    local model = R.reference(source)
    return { token = token, json = function(whose) return ('{"source": %s%s'):format(R.json(whose(model, told)), tail) end }
  end
  N.check_keys(inner, keys.token, "a source of a token")
  local kind = N.text(N.get(inner, "kind"), "'kind'")
  if kind == "zero" then return { token = token, json = function() return '{"source": {"kind": "zero"}' .. tail end } end
  local model, other, id = N.get(inner, "model"), N.get(inner, "token"), N.get(inner, "token_id")
  if kind ~= "model_token" or not model or (other == nil) == (id == nil) then
    return (N.refuse(source, "a source is a model, {kind: zero}, or {kind: model_token, model: MODEL} with one of 'token' and 'token_id'"))
  end
  local from = other and ('"token": %s'):format(R.json(N.text(other, "'token'"))) or ('"token_id": %d'):format(N.whole(id, "token_id", 0))
  local reference = R.reference(model)
  return { token = token, json = function(whose)
    return ('{"source": {"kind": "model_token", "model": %s, %s}%s'):format(R.json(whose(reference, told)), from, tail)
  end }
end

--- { source = { word =, reference = }, tokens = { rule, ... }, multiple = }, or nil where the file says nothing of a vocabulary.
local function tokenizer_of(map)
  local old, node = N.get(map, "tokenizer_source"), N.get(map, "tokenizer")
  if old and node then
    return (N.refuse(map.by_name.tokenizer, "'tokenizer' and 'tokenizer_source' say the same: keep 'tokenizer:' with its 'source:'"))
  end
  if not old and not node then return nil end
  if node and node.kind ~= "map" then
    return (N.refuse(node, "'tokenizer' is a mapping, not %s: write 'tokenizer: {source: %s}'", N.shown(node), node.kind == "text" and core.shown(node.text) or "union"))
  end
  local spec = node and N.map(node, "'tokenizer'") or { values = {}, names = {} }
  N.check_keys(spec, keys.tokenizer, "'tokenizer'")
  local source, tokens, multiple = old or N.get(spec, "source"), N.get(spec, "tokens"), N.get(spec, "pad_to_multiple_of")
  local rules = {}
  if tokens then
    local list = N.map(tokens, "'tokens'")
    for _, token in ipairs(list.names) do rules[#rules + 1] = rule_of(token, list.values[token]) end
  end
  return { source = { word = source and source.kind == "text" and source.text or not source and "union", reference = source and R.reference(source) }, tokens = rules,
    multiple = multiple and N.whole(multiple, "pad_to_multiple_of", 1) }
end

local templates = { "alpaca", "chatml", "exaone", "llama3", "mistral", "auto" }

local function template_of(map)
  local node = N.get(map, "chat_template")
  if not node then return nil end
  local text = N.text(node, "chat_template")
  for _, known in ipairs(templates) do if text == known then return text end end
  if #text >= 20 and text:find("{", 1, true) then return text end
  return (N.refuse(node, "chat_template is one of %s, or a template in Jinja, not '%s'%s", table.concat(templates, ", "), core.shown(text),
    suggest.hint(text, { table.unpack(templates) })))
end

R.dtype = dtype_of

local evolution = "an evolution (mergekit-evolve), which searches and is no merge; 'moonweld sweep' searches here"
local others = { genome = evolution, tasks = evolution,
  layer_slices = "a file of bakllama; as one of mergekit it is 'merge_method: passthrough' with 'slices:'" }

function R.document(root)
  local map = N.map(root, "a configuration")
  for _, name in ipairs(map.names) do
    if others[name] and not map.values.merge_method then N.refuse(map.by_name[name], "'%s' makes this %s", name, others[name]) end
  end
  local doc = { root = root, map = map }
  doc.method, doc.method_name, doc.method_node = method_of(map, root)
  N.check_keys(map, keys.top, "a configuration", misplaced(doc))
  local name, base = N.get(map, "name"), N.get(map, "base_model")
  doc.name, doc.name_node = name and N.text(name, "name"), name
  doc.base = base and R.reference(base)
  doc.params = parameters_of(map, doc)
  read_form(doc, map)
  local dtype, out = dtype_of(map, "dtype"), dtype_of(map, "out_dtype")
  doc.dtype = out or dtype
  doc.files = true
  for _, slice in ipairs(doc.slices) do for _, source in ipairs(slice.sources) do doc.files = doc.files and R.is_file(source.model.key) end end
  doc.tokenizer, doc.template = tokenizer_of(map), template_of(map)
  return doc
end

return R
