--- meet.lua: names meet where models are combined. Two models of an elementwise word must have the same names; where they do
-- not, an error tells what each has that the other lacks and which renaming would bring them together, or, with --missing
-- base, the donor's tensors stand in. A model of which no tensor, or no layer, would take part is refused in any case:
-- what it was given for cannot be what comes out.
local core = ...
local M = {}

M.donor = nil -- the donor's data, set where the models are opened (init.lua)

local function fail(text, ...) return (core.fail("input", text:format(...))) end

local interned = {}

--- Equal lists of names are one table, so that models of one architecture are known to meet at a glance.
function M.names(names)
  local key = table.concat(names, "\0")
  interned[key] = interned[key] or names
  return interned[key]
end

local function called(private) return private.label or "what was computed" end

-- ---- which names differ ----

local function is_layered(name) return name:find("%.%d+%.") ~= nil or name:find("^%d+%.") ~= nil end

local known = setmetatable({}, { __mode = "k" })

--- What `wanted` has and `own` lacks, the reverse, and how many names and layered names they share.
local function difference(wanted, own)
  local cache = known[wanted.names]
  if cache and cache[own.names] then return cache[own.names] end
  local d = { lacking = {}, extra = {}, shared = 0, layers = 0, wanted_layers = 0, own_layers = 0 }
  for _, name in ipairs(wanted.names) do
    local layered = is_layered(name) and 1 or 0
    d.wanted_layers = d.wanted_layers + layered
    if own.nodes[name] == nil then d.lacking[#d.lacking + 1] = name
    else d.shared, d.layers = d.shared + 1, d.layers + layered end
  end
  for _, name in ipairs(own.names) do
    if is_layered(name) then d.own_layers = d.own_layers + 1 end
    if wanted.nodes[name] == nil then d.extra[#d.extra + 1] = name end
  end
  known[wanted.names] = cache or setmetatable({}, { __mode = "k" })
  known[wanted.names][own.names] = d
  return d
end

-- ---- what would bring them together ----

-- What tools put into names, by what saved them. No loader wants these, so they are taken away on either side.
local wrappers = { "_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module.", "_forward_module.", "module.", "base_model.model.", "base_layer.",
  "original_module.", "modules_to_save.default.", "pretrained_model.", "state_dict." }

-- What parts of names were once called, and what newer versions of the same library call them: every loader knows these.
local renewed = { { "*.gamma", "*.weight" }, { "*.beta", "*.bias" }, { "*.weight_g", "*.parametrizations.weight.original0" },
  { "*.weight_v", "*.parametrizations.weight.original1" }, { "*.query.*", "*.to_q.*" }, { "*.key.*", "*.to_k.*" }, { "*.value.*", "*.to_v.*" },
  { "*.proj_attn.*", "*.to_out.0.*" } }

--- Whether a beginning of names is nothing but such words.
local function is_wrapped(text)
  for _, word in ipairs(wrappers) do text = text:gsub((word:gsub("%p", "%%%0")), "") end
  return text == ""
end

--- How many of own's names are wanted's after `from` has become `to`.
local function matches(wanted, own, from, to)
  local count = 0
  for _, name in ipairs(own.names) do
    if wanted.nodes[from and core.renamed(name, from, to) or name] ~= nil then count = count + 1 end
  end
  return count
end

local function renamed(private, from, to)
  local result = { names = {}, nodes = {}, label = private.label }
  for i, name in ipairs(private.names) do
    local new = core.renamed(name, from, to) or name
    result.names[i], result.nodes[new] = new, true
  end
  return result
end

--- Where two names differ: their beginnings and ends that are equal, in whole parts, are taken off: "q.base_layer.weight" and "q.weight"
--- differ in "base_layer." and "".
local function middle(a, b)
  local from, till = 1, 0
  while from <= #a and a:byte(from) == b:byte(from) do from = from + 1 end
  while from > 1 and a:sub(from - 1, from - 1) ~= "." do from = from - 1 end
  while till < math.min(#a, #b) - from + 1 and a:byte(#a - till) == b:byte(#b - till) do till = till + 1 end
  while till > 0 and (a:sub(#a - till, #a - till) ~= "." and #a - till >= from or b:sub(#b - till, #b - till) ~= "." and #b - till >= from) do till = till - 1 end
  return a:sub(1, from - 1), a:sub(from, #a - till), b:sub(from, #b - till)
end

--- Renamings { from, to, of_wanted =, certain = } that could help: a wrapper is taken away, an old name becomes the new one, a part that
--- only one side has is taken away, or one beginning becomes another, as two names with a common end tell.
local function candidates(d)
  local list, seen = {}, {}
  local function add(from, to, of_wanted, certain)
    local key = from .. "=" .. to .. tostring(of_wanted)
    if from ~= to and not seen[key] then
      list[#list + 1], seen[key] = { from, to, of_wanted = of_wanted, certain = certain or to == "*" or to == "*.*" }, true
    end
  end
  for _, of_wanted in ipairs { false, true } do
    for _, word in ipairs(wrappers) do
      add(word .. "*", "*", of_wanted)
      add("*." .. word .. "*", "*.*", of_wanted)
    end
    for _, pair in ipairs(renewed) do add(pair[1], pair[2], of_wanted, true) end
  end
  add("model.*", "*")
  add("*", "model.*")
  local by_end = {}
  for _, name in ipairs(d.lacking) do by_end[name:match("[^.]+%.[^.]+$") or name] = name end
  for i = 1, #d.extra, math.max(1, #d.extra // 8) do
    local own_name = d.extra[i]
    local other = by_end[own_name:match("[^.]+%.[^.]+$") or own_name]
    if other then
      local before, mine, theirs = middle(own_name, other)
      if before == "" and mine == "" and is_wrapped(theirs) then add(theirs .. "*", "*", true) end
      add(before .. mine .. "*", before .. theirs .. "*")
      -- "lm_head.*": where the beginning of all others differs in another way
      local part = own_name:sub(#before + #mine + 1):match "^[^.]+%."
      if part then add(before .. mine .. part .. "*", before .. theirs .. part .. "*") end
    end
    local beside = #d.extra == #d.lacking and d.lacking[i]
    if beside then
      local before, mine, theirs = middle(own_name, beside)
      if before ~= "" and theirs == "" then add("*." .. mine .. "*", "*.*") end
      if before ~= "" and mine == "" then add("*." .. theirs .. "*", "*.*", true) end
    end
  end
  return list
end

--- The renamings that make most of own's names wanted's, one after the other, if they are unmistakable: all but a tenth match, and it
--- is at least twice what matched before, or each step is certain. Second: how many match.
local function renaming(wanted, own, d)
  local steps, most, certain = {}, d.shared, true
  for _ = 1, 6 do
    local best
    for _, candidate in ipairs(candidates(difference(wanted, own))) do
      local from, to = candidate[1], candidate[2]
      local count = candidate.of_wanted and matches(renamed(wanted, from, to), own) or matches(wanted, own, from, to)
      if count > most then best, most = candidate, count end
    end
    if not best then break end
    steps[#steps + 1] = best
    certain = certain and best.certain
    if best.of_wanted then wanted = renamed(wanted, best[1], best[2]) else own = renamed(own, best[1], best[2]) end
  end
  local enough = math.min(#wanted.names, #own.names)
  if steps[1] and 10 * most >= 9 * enough and (most >= 2 * d.shared or certain) then return steps, most end
end

-- ---- what is said ----

local function quoted(names, most)
  local shown = {}
  for i = 1, math.min(#names, most) do shown[i] = "'" .. core.shown(names[i]) .. "'" end
  return (names[1] and table.concat(shown, ", ") or "none") .. (#names > most and (" ... and %d more"):format(#names - most) or "")
end

local function plural(count, word) return (("%d %s%s"):format(count, word, count == 1 and "" or "s")) end

--- Which way round it is told: who lacks something, and of whom.
local function told(wanted, own, d)
  local a, b, lacking, other = own, wanted, d.lacking, d.extra
  if #lacking == 0 then a, b, lacking, other = wanted, own, d.extra, d.lacking end
  local text = ("%s lacks %s that %s has: %s"):format(called(a), plural(#lacking, "tensor"), called(b), quoted(lacking, #other > 0 and 8 or 20))
  if #other > 0 then text = text .. ("; it has %s that %s lacks: %s"):format(plural(#other, "tensor"), called(b), quoted(other, 4)) end
  return text
end

--- The words that rename own's tensors to wanted's, ':rename("*", "language_model.*")', and how many then match; nil: none are known.
function M.renames(wanted, own)
  local steps, count = renaming(wanted, own, difference(wanted, own))
  local words = {}
  for i, step in ipairs(steps or {}) do
    if step.of_wanted then return nil end
    words[i] = (':rename("%s", "%s")'):format(step[1], step[2])
  end
  return steps and table.concat(words), count
end

--- What --missing base would do to this merge, or that nothing of `own` would be left in it.
local function hint(wanted, own, d)
  local steps, count = renaming(wanted, own, d)
  if steps then
    local words = {}
    for i, step in ipairs(steps) do
      local whose = step.of_wanted and wanted or own
      words[i] = ("'%s%s=%s'"):format(whose.label and whose.label .. ":" or "", step[1], step[2])
    end
    return (("--rename %s makes %d of its %d names match"):format(table.concat(words, " "), count, #own.names))
  end
  if d.shared == 0 then return "these models have no tensor in common; m:rename(from, to) in a recipe, or --rename FROM=TO, renames" end
  local parts = {}
  if #d.lacking > 0 then parts[1] = ("%s of %d would be %s's, unmerged"):format(plural(#d.lacking, "tensor"), #wanted.names, called(M.donor)) end
  if #d.extra > 0 then parts[#parts + 1] = ("%s that only %s has would be dropped"):format(plural(#d.extra, "tensor"), called(own)) end
  return "with --missing base " .. table.concat(parts, ", and ")
end

local function refuse(wanted, own, d) return (core.fail("input", told(wanted, own, d), hint(wanted, own, d))) end

--- Refused whatever the options say, by names alone.
local function check_any(wanted, own, d)
  if d.shared == 0 then
    return (core.fail("input", ("nothing of %s would be merged: none of its %s is one of %s's; it has %s, %s has %s"):format(called(own),
      plural(#own.names, "tensor"), called(wanted), quoted(own.names, 2), called(wanted), quoted(wanted.names, 2)), hint(wanted, own, d)))
  end
  if d.layers == 0 and d.wanted_layers > 0 and d.own_layers > 0 then
    return (core.fail("input", ("no layer of %s would be merged: %s"):format(called(own), told(wanted, own, d)),
      renaming(wanted, own, d) and hint(wanted, own, d) or "its layers have other names than those of " .. called(wanted)))
  end
end

local said = {}

local function tell(own, d)
  local function once(text)
    if not said[text] then core.warn(text) end
    said[text] = true
  end
  if #d.lacking > 0 then once(("%s: %s that it lacks %s the donor's"):format(called(own), plural(#d.lacking, "tensor"), #d.lacking == 1 and "is" or "are")) end
  if #d.extra > 0 then once(("%s: %s that only it has %s dropped"):format(called(own), plural(#d.extra, "tensor"), #d.extra == 1 and "is" or "are")) end
end

-- ---- meeting ----

--- The tensors of `own` under these names; what it lacks is the donor's, or what was computed from that.
local function complete(names, own)
  local nodes = {}
  for _, name in ipairs(names) do
    nodes[name] = own.nodes[name]
    if nodes[name] == nil and own.stand_in and M.donor.nodes[name] ~= nil then nodes[name] = own.stand_in(name) end
    if nodes[name] == nil then
      fail("%s lacks tensor '%s', and nothing can stand in for it", called(own), core.shown(name))
    end
  end
  return nodes
end

--- What stands in for a tensor that a model lacks where `f` was made of it, tensor by tensor: f of what would stand in before.
function M.stand_in(own, f)
  return own.stand_in and function(name)
    local tensor = own.stand_in(name)
    return tensor ~= nil and f(tensor, name) or nil
  end
end

--- A model's names and its tensors by them. With --missing base the donor's are among them: what is ranked over a whole model is
--- ranked over them too.
function M.whole(own)
  local added = false
  local names, nodes = table.move(own.names, 1, #own.names, 1, {}), {}
  for _, name in ipairs(names) do nodes[name] = own.nodes[name] end
  for _, name in ipairs(own.stand_in and M.donor.names or {}) do
    if nodes[name] == nil then
      nodes[name] = own.stand_in(name)
      if nodes[name] ~= nil then names[#names + 1], added = name, true end
    end
  end
  if not added then return own.names, own.nodes end
  table.sort(names)
  tell(own, difference({ names = names, nodes = nodes }, own))
  return M.names(names), nodes
end

--- Whether the donor can stand in for what any of these models lacks.
function M.all_stand_in(models)
  for _, model in ipairs(models) do
    if not model.stand_in then return false end
  end
  return true
end

--- models: the data of the models that are combined. Returns the names of the result and, for each model, its tensors by name.
function M.meet(models)
  local wanted = models[1]
  for _, own in ipairs(models) do
    if own.names == M.donor.names then wanted = own end
  end
  local lookups = {}
  for i, own in ipairs(models) do
    lookups[i] = own.nodes
    if own.names ~= wanted.names then
      local d = difference(wanted, own)
      if #d.lacking > 0 or #d.extra > 0 then
        check_any(wanted, own, d)
        if not core.missing_base then refuse(wanted, own, d) end
        lookups[i] = complete(wanted.names, own)
        tell(own, d)
      end
    end
  end
  return wanted.names, lookups
end

local function spell(node) return "[" .. table.concat(core.shape(node), ",") .. "]" end

--- What keeps the donor's head, where all tensors of another shape are of one module that is in no layer: classifiers of other classes.
local function keeping(first, own, name)
  local part = not core.layer_of(name) and name:match "^.*%."
  if not part then return nil end
  for _, each in ipairs(own.names) do
    local x, y = own.nodes[each], first.nodes[each]
    local both = core.is_node(x) and core.is_node(y) and core.is_tensor(x) and core.is_tensor(y)
    if both and spell(x) ~= spell(y) and each:sub(1, #part) ~= part then return nil end
  end
  local other = own.label == M.donor.label and first or own
  return other.label and ("--rename '%s:%s*=other.*' --missing base leaves out this one: the output has %s's"):format(other.label, part, called(M.donor))
end

local of_vector = "of a vector x:scale_rows(c) multiplies rows, x:scale_columns(c) columns; c:broadcast{rows, columns} repeats it, for other operations"

--- "experts[2]: tensor 'x' is [2,3] here and [2,4] in base" and what can be done, where an operation found shapes that differ, or nil.
function M.shapes(models, lookups, name)
  local first, spelt
  for i, own in ipairs(models) do
    local node = lookups[i][name]
    if core.is_node(node) and core.is_tensor(node) then
      if not first then first, spelt = own, spell(node)
      elseif spell(node) ~= spelt then
        local text = ("%s: tensor '%s' is %s here and %s in %s"):format(called(own), core.shown(name), spell(node), spelt, called(first))
        if #core.shape(node) == 1 ~= (#core.shape(first.nodes[name]) == 1) then return text, of_vector end
        local embeds = name:find("embed") or name:find("wte") or name:find("lm_head")
        return text, embeds and "the vocabularies differ in size: --tokenizer base lines up embeddings and heads by the text of their tokens " ..
          "(rows beyond the last token go), --tokenizer union keeps the tokens of all" or keeping(first, own, name) or nil
      end
    end
  end
end

return M
