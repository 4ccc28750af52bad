--- write.lua: configurations as the text of a recipe. Each document is a merge with a name of its own, each model a local variable; a
-- slice is the recipe of the method, called with the layers of its models. What a line comes from stands behind it, "-- line 7:5: t",
-- by which errors are told by the place in the configuration (src/recipe/conversion.c).
local core = ...
local N, P = core.module("mergekit/node"), core.module("mergekit/parameter")
local W = {}

local taken = {}
for word in ("and break do else elseif end false for function goto if in local nil not or repeat return then true until while " ..
  "a arg assert error ipairs pairs print tonumber tostring require select type"):gmatch("%S+") do taken[word] = true end

--- Names of local variables: "oak/chat-v2" is chat_v2, another of that name chat_v2_2.
local function namer()
  local given = {}
  return function(path)
    local name = (path:gsub("[/\\]+$", ""):match("([^/\\]+)$") or path):lower():gsub("%.safetensors$", ""):gsub("[^%w]+", "_"):gsub("^_+", ""):gsub("_+$", "")
    if name == "" then name = "model" end
    if name:find("^%d") then name = "m" .. name end
    name = name:sub(1, 40)
    local unique, n = name, 2
    while given[unique] or taken[unique] or core.module("env").vocabulary[unique] or core.module("mergekit/methods")[unique] do unique, n = name .. "_" .. n, n + 1 end
    given[unique] = true
    return unique
  end
end

local function origin(node, what) return node and (" -- line %d:%d: %s"):format(node.line, node.column, what) or "" end

-- ---- the text, line by line ----

local function writer()
  local lines, w = {}, {}
  function w.add(indent, text) lines[#lines + 1] = text == "" and "" or ("  "):rep(indent) .. text end
  function w.text() return table.concat(lines, "\n") .. "\n" end
  return w
end

--- { value, value, ... } where each has its line: in one line where all are numbers. `join`: one value, where it stands once for all.
local function add_list(w, indent, name, values, what, join)
  local plain, once, texts = true, join and values[1][2] ~= nil, {}
  for i, value in ipairs(values) do
    plain, texts[i] = plain and not value[1]:find("[{:]"), value[1]
    once = once and value[1] == values[1][1] and value[2] == values[1][2]
  end
  if once then return (w.add(indent, ("%s = %s,%s"):format(name, texts[1], origin(values[1][2], what)))) end
  if plain then return (w.add(indent, ("%s = { %s },%s"):format(name, table.concat(texts, ", "), origin(values[1][2], what)))) end
  w.add(indent, name .. " = {")
  for _, value in ipairs(values) do w.add(indent + 1, value[1] .. "," .. origin(value[2], what)) end
  w.add(indent, "},")
end

-- ---- a slice ----

--- The layers of a model that a source gives; `models:` takes all of them. Of what lies outside of the layers the first slice of several takes
--- what precedes them, the last one what follows.
local function layers_of(script, source, slice)
  local name = script.variable(source.model)
  if script.part then name = ("%s:part(%s)"):format(name, N.quoted(script.part)) end
  if not source.range then return { name, script.part and source.model.node } end -- the line of a variable says where it stands
  local beside = slice.beside and (", { beside = %q }"):format(slice.beside) or ""
  return { ("%s:layers(%d, %d%s)"):format(name, source.range[1], source.range[2], beside), source.range_node }
end

local function told(source) return source.range and "layer_range" or "model" end

local function by_name(list, name)
  for _, param in ipairs(list) do if param[1] == name then return param end end
end

--- Number `at` of the slice's first layer in the result: what filters of parameters of the whole see.
local function add_arguments(w, indent, script, doc, slice, at)
  local method = doc.method
  local length = slice.sources[1].range and slice.sources[1].range[2] - slice.sources[1].range[1]
  for _, argument in ipairs(method.arguments) do
    local name, from, change, second = argument[1], argument[2], argument[3], argument[4]
    local shared, each = by_name(method.shared, from), by_name(method.each, from)
    if argument.text then w.add(indent, ("%s = %s,"):format(name, argument.text))
    elseif shared and shared[3] then
      local text, node = P.constant(doc, slice, shared)
      local other = second and P.constant(doc, slice, by_name(method.shared, second))
      w.add(indent, ("%s = %s,%s"):format(name, change and change(text, other) or text, origin(node, from)))
    elseif shared then
      local text, node = P.setting(doc, slice, nil, shared, length and { at, at + length })
      w.add(indent, ("%s = %s,%s"):format(name, change and change(text) or text, origin(node, from)))
    elseif each then
      local values = {}
      for i, source in ipairs(slice.others) do
        local text, node = P.setting(doc, slice, source, each, source.range)
        values[i] = { change and change(text) or text, node }
      end
      add_list(w, indent, name, values, from, true)
    end
  end
  if method.random then w.add(indent, ("seed = %s,"):format(script.seed())) end
end

--- The expression of a slice, begun by `before` ("return ") and ended by `after` (",").
local function add_slice(w, indent, script, doc, slice, at, before, after)
  local method = doc.method
  if #slice.others == 0 then
    local base = layers_of(script, slice.base_source, slice)
    return (w.add(indent, before .. base[1] .. after .. origin(base[2], told(slice.base_source))))
  end
  if not method.recipe then -- passthrough
    local source = slice.others[1]
    local scale, node = P.setting(doc, slice, source, method.each[1], source.range)
    local model = layers_of(script, source, slice)
    if scale == "1" then return (w.add(indent, before .. model[1] .. after .. origin(model[2], told(source)))) end
    return (w.add(indent, ("%s(%s * %s):unweighed()%s%s"):format(before, model[1], scale, after, origin(node, "scale"))))
  end
  for _, source in ipairs(method.check and slice.others or {}) do P.check_pair(doc, slice, source, by_name(method.each, "density"), by_name(method.each, "epsilon")) end
  script.require(method.recipe)
  w.add(indent, ("%s%s {%s"):format(before, method.recipe, origin(doc.method_node, "merge_method")))
  if method.base_as and slice.base_source then
    local base = layers_of(script, slice.base_source, slice)
    w.add(indent + 1, ("%s = %s,%s"):format(method.base_as, base[1], origin(base[2], told(slice.base_source))))
  end
  if method.most == 1 then
    local model = layers_of(script, slice.others[1], slice)
    w.add(indent + 1, ("%s = %s,%s"):format(method.models_as, model[1], origin(model[2], told(slice.others[1]))))
  else
    local models = {}
    for i, source in ipairs(slice.others) do models[i] = layers_of(script, source, slice) end
    add_list(w, indent + 1, method.models_as, models, told(slice.others[1]))
  end
  add_arguments(w, indent + 1, script, doc, slice, at)
  w.add(indent, "}" .. after)
end

--- The same, where truth values or whole numbers differ between tensors: "where(setting { of = "normalize", ... }, the slice with it, the
--- slice without)", "where(setting { of = "max_iter", ... }:eq(5), the slice with 5, the slice with 10)".
local function add_varying(w, indent, script, doc, slice, at, before, after)
  slice.fixed = slice.fixed or {}
  for _, param in ipairs(#slice.others > 0 and doc.method.shared or {}) do
    if not param.ignored and not slice.fixed[param[1]] and P.varies(doc, slice, param) then
      local range, choices = slice.sources[1].range, P.choices(doc, slice, param)
      local text, node = P.setting(doc, slice, nil, param, range and { at, at + range[2] - range[1] })
      local function add(level, i, first, last)
        slice.fixed[param[1]] = choices[i]
        if i == #choices then return (add_varying(w, level, script, doc, slice, at, first, last)) end
        local condition = choices[i] == "true" and text or ("%s:eq(%s)"):format(text, choices[i])
        w.add(level, ("%swhere(%s,%s"):format(first, condition, origin(node, param[1])))
        add_varying(w, level + 1, script, doc, slice, at, "", ",")
        add(level + 1, i + 1, "", "")
        return (w.add(level, ")" .. last))
      end
      add(indent, 1, before, after)
      slice.fixed[param[1]] = nil
      return
    end
  end
  add_slice(w, indent, script, doc, slice, at, before, after)
end

--- The slices of a model, or of a part of it, one behind the other.
local function add_slices(w, indent, script, doc, slices, before, after)
  if #slices == 1 then return (add_varying(w, indent, script, doc, slices[1], 0, before, after)) end
  local at = 0
  w.add(indent, before .. "stack {" .. origin(doc.form_node, doc.form))
  for i, slice in ipairs(slices) do
    slice.beside = i == 1 and "before" or i == #slices and "after" or "none"
    add_varying(w, indent + 1, script, doc, slice, at, "", ",")
    at = at + slice.sources[1].range[2] - slice.sources[1].range[1]
  end
  w.add(indent, "}" .. after)
end

--- A document, as the value of a statement: "return " or "local first = ". Parts are merged each by itself and take the places of the
--- donor's; what the file does not name stays the donor's.
function W.add_document(w, indent, script, doc, before, after)
  if not doc.parts[1].name then return (add_slices(w, indent, script, doc, doc.slices, before, after)) end
  local donor, rest, result = script.variable(doc.base or doc.slices[1].sources[1].model), script.name("rest", doc.root), ""
  local others = donor
  for _, part in ipairs(doc.parts) do
    local variable = script.name(part.name, part.node)
    script.part = part.name
    add_slices(w, indent, script, doc, part.slices, ("local %s = "):format(variable), "")
    script.part = nil
    others = ("%s:except(%s:part(%s))"):format(others, donor, N.quoted(part.name))
    result = ("%s:with(%s, { add = true })"):format(result, variable)
  end
  w.add(indent, ("local %s = %s%s"):format(rest, others, origin(doc.parts[1].node, "modules")))
  w.add(indent, before .. rest .. result .. after .. origin(doc.parts[1].node, "modules"))
end

W.namer, W.writer, W.origin = namer, writer, origin
W.refuse = N.refuse
return W
