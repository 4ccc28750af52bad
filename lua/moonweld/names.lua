--- names.lua: what a model does with the names of its tensors, and what a list does with its members.
local core = ...
local V, F = core.module("value"), core.module("field")
local W = core.module("word")
local word = W.word
local meet = core.module("meet")
local data, kind, fail = V.data, V.kind, V.fail

--- What is wrong with a name or pattern that no tensor of a model has.
local function none_called(private, name)
  local near
  for _, known in ipairs(private.names) do -- "model.norm" of 'model.norm.weight'
    if known:sub(1, #name + 1) == name .. "." then near = near or (" -- did you mean '%s'?"):format(core.shown(known)) end
  end
  near = near or core.module("suggest").hint(name, { table.unpack(private.names, 1, math.min(#private.names, 4000)) })
  return (fail("no tensor is called '%s'%s", core.shown(name), near))
end

word("model:tensor(name)", function(x, name)
  if type(name) ~= "string" then return (fail("'tensor' takes a tensor's name, not %s", V.called(name))) end
  return V.tensor_of(data(x), name) or none_called(data(x), name)
end)

local function chosen(x, glob, wanted)
  local private, names, nodes, found = data(x), {}, {}, false
  local others = kind(glob) == "model" and data(glob).nodes -- all that another model has
  if not others and type(glob) ~= "string" then return (fail("a name pattern is a text, or a model that has the names, not %s", V.called(glob))) end
  local function fits(name)
    if others then return others[name] ~= nil end
    return (core.glob(glob, name))
  end
  for _, name in ipairs(private.names) do
    local matches = fits(name)
    found = found or matches
    if matches == wanted then names[#names + 1], nodes[name] = name, private.nodes[name] end
  end
  local kept = {}
  for name, source in pairs(private.kept or {}) do
    local matches = fits(name)
    found = found or matches
    if matches == wanted then kept[name] = source end
  end
  if not found and others then fail("no tensor is called like one of the other model") end
  if not found then none_called(private, glob) end
  local stand_in = private.stand_in and function(name) return fits(name) == wanted and private.stand_in(name) or nil end
  return (V.model(names, nodes, private.label, { kept = kept, part_of = private.part_of or private, laid_out = private.laid_out,
    config = private.config, measured = private.measured }, stand_in))
end

word("model:only(glob)", function(x, glob) return (chosen(x, glob, true)) end)
word("model:except(glob)", function(x, glob) return (chosen(x, glob, false)) end)
word("model:has(name)", function(x, name)
  if type(name) ~= "string" then return (fail("'has' takes a tensor's name, not %s", V.called(name))) end
  return data(x).nodes[name] ~= nil or (data(x).kept or {})[name] ~= nil
end)

local function need_function(f, form)
  if type(f) ~= "function" and not core.module("arg").scores[f] then return (fail("this is written %s, with a function, not %s", form, V.called(f))) end
end

local map_model = "model:map(function(tensor, name) ... end)"
word(map_model, function(x, f)
  need_function(f, map_model)
  local private, nodes = data(x), {}
  local function mapped(tensor, name)
    local outer = V.current_name
    V.current_name = name
    local result = V.at(f(tensor, name), name, private.measured)
    V.current_name = outer
    local what = kind(result)
    if what ~= "node" and what ~= "number" then fail("map's function gave %s for tensor '%s', not a tensor", V.called(result), core.shown(name)) end
    return what == "number" and core.number(result) or result
  end
  for _, name in ipairs(private.names) do nodes[name] = mapped(private.nodes[name], name) end
  return (V.model(private.names, nodes, private.label, private, meet.stand_in(private, mapped)))
end)

--- other's tensors in the place of x's of the same name; a name that x lacks is an error, or added where {add = true} says so.
word("model:with(other, {add=})", function(x, other, options)
  other = V.as_model(other)
  if kind(other) ~= "model" then return (fail("'with' takes a model, not %s", V.called(other))) end
  local private, over, add = data(x), data(other), options and options.add
  local names, nodes, kept, added, whole = {}, {}, {}, false, private.part_of
  for _, name in ipairs(private.names) do names[#names + 1], nodes[name] = name, private.nodes[name] end
  for name, source in pairs(private.kept or {}) do kept[name] = source end
  local function take(name)
    if nodes[name] ~= nil or kept[name] ~= nil then return end
    if whole and (whole.nodes[name] ~= nil or (whole.kept or {})[name]) then return end -- what only or except had left out
    if not add then
      local words, count = meet.renames(private, over)
      if words and #over.names > 3 then -- a whole model rather than a name that is mistyped
        fail("%s has no tensor '%s' to be replaced: with(other%s) has %d of its %d names", private.label or "this model", core.shown(name), words, count, #over.names)
      end
      fail("%s has no tensor '%s' to be replaced%s; with(other, {add = true}) adds it", private.label or "this model", core.shown(name),
        core.module("suggest").hint(name, { table.unpack(private.names, 1, math.min(#private.names, 4000)) }))
    end
    added = true
  end
  for _, name in ipairs(over.names) do
    take(name)
    if nodes[name] == nil then names[#names + 1] = name end
    nodes[name], kept[name] = over.nodes[name], nil
  end
  for name, source in pairs(over.kept or {}) do
    take(name)
    kept[name] = source
    nodes[name] = nil
  end
  local left = {}
  for _, name in ipairs(names) do if nodes[name] ~= nil then left[#left + 1] = name end end
  table.sort(left)
  return (V.model(left, nodes, private.label, { kept = kept, part_of = whole, laid_out = private.laid_out or added or add and over.laid_out,
    config = private.config or over.config, measured = added and left or private.measured }))
end)

-- ---- renaming ----

--- from, to as globs: `*` in `to` is what `*` matched; or a function from a name to a name, nil to drop the tensor.
local function renamer(from, to)
  if kind(from) == "function" and to == nil then return from end
  if type(from) ~= "string" or type(to) ~= "string" then
    return (fail("this is written model:rename(from, to) with two texts, or model:rename(function(name) ... end)"))
  end
  local function stars(text) return (select(2, text:gsub("%*", ""))) end
  if stars(to) > stars(from) then return (fail("'%s' has more '*' than '%s', which they stand for", core.shown(to), core.shown(from))) end
  if (from .. to):find("\0", 1, true) then return (fail("a name holds no NUL character, as in '%s'", core.shown(from .. " " .. to))) end
  if to == "" then return (fail("a tensor needs a name; m:except(%q) drops tensors", core.shown(from))) end
  return function(name) return core.renamed(name, from, to) or name end
end

word("model:rename(from[, to])", function(x, from, to)
  local private, new_name = data(x), renamer(from, to)
  local names, nodes, kept, origin, changed = {}, {}, {}, {}, false
  local function move(name)
    local new = new_name(name)
    changed = changed or new ~= name
    if new == nil then return nil end
    if type(new) ~= "string" or new == "" then return (fail("rename's function gave %s for tensor '%s', not a name", V.called(new), core.shown(name))) end
    if #new > 4096 or new:find("\0", 1, true) then return (fail("'%s' is no name: it has at most 4096 bytes, and no NUL character", core.shown(new))) end
    if origin[new] then return (fail("tensors '%s' and '%s' would both be called '%s'", core.shown(origin[new]), core.shown(name), core.shown(new))) end
    origin[new] = name
    return new
  end
  for _, name in ipairs(private.names) do
    local new = move(name)
    if new then names[#names + 1], nodes[new] = new, private.nodes[name] end
  end
  for name, source in pairs(private.kept or {}) do
    local new = move(name)
    if new then kept[new] = source end
  end
  if not changed and type(from) == "string" then
    fail("no tensor is called '%s'%s", core.shown(from), core.module("suggest").hint(from, { table.unpack(private.names, 1, math.min(#private.names, 4000)) }))
  end
  table.sort(names)
  core.module("depth").see(names)
  return (V.model(names, nodes, private.label, { kept = kept, laid_out = true, config = private.config, measured = names }))
end)

local map_list = "list:map(function(item, index) ... end)"
word(map_list, function(x, f)
  need_function(f, map_list)
  local items = {}
  for i, item in ipairs(data(x).items) do
    items[i] = f(item, i)
    if items[i] == nil then fail("map's function gave nothing for member %d", i) end
  end
  return (V.list(items))
end)

--- The members by falling score; of equal ones the later listed comes first (the order of the soups' code).
word("list:best_first(a.score)", function(x, score)
  need_function(score, "list:best_first(a.score)")
  local scored = {}
  for i, item in ipairs(data(x).items) do
    scored[i] = { item = item, score = score(item), place = i }
    if type(scored[i].score) ~= "number" then return (fail("a score is a plain number, not %s", V.called(scored[i].score))) end
  end
  table.sort(scored, function(a, b) return a.score > b.score or (a.score == b.score and a.place > b.place) end)
  local items = {}
  for i, entry in ipairs(scored) do items[i] = entry.item end
  return (V.list(items))
end)

for _, name in ipairs { "only", "except", "with", "rename" } do W.of_members(name) end

return { check_glob = F.check_glob }
