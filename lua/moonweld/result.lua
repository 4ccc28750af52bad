--- result.lua: what a recipe may return, and what it may ask the score of: a whole model of one model's weight.
local core = ...
local V = core.module("value")
local A = core.module("arg")
local fail, kind = V.fail, V.kind
local R = {}

--- A recipe ends at one model's weight; what is not linear has none that is known. A mask or a weight is no model at all.
local function check_mass(names, nodes)
  local masses = core.mass(nodes)
  for i, mass in ipairs(masses) do
    local weighed = not V.unweighed[core.id(nodes[i])]
    if weighed and core.is_factor(nodes[i]) then
      fail("tensor '%s' of the result is a mask or a weight, not a model's -- x:keep(mask) keeps what it marks, x:unweighed() returns it", core.shown(names[i]))
    end
    if weighed and mass == mass and math.abs(mass - 1) > 1e-6 then
      if math.abs(mass) == math.huge then fail("tensor '%s': the weights of the result are not finite", core.shown(names[i])) end
      local count = A.number_text(mass)
      fail("the result weighs %s models, not 1%s", count,
        mass > 1 and " -- did you mean mean(...)?" or math.abs(mass) < 1e-6 and " -- was the base to be added?" or "")
    end
  end
end

--- The same of an adapter, whose `config` is all of its adapter_config.json.
local function adapter(private)
  local outputs = { laid_out = true, adapter = true, config = core.module("config").changes(private.config, {}) }
  for i, name in ipairs(private.names) do outputs[i] = { name, private.nodes[name] } end
  return outputs
end

--- The outputs { name, tensor } of a model, in the order of names; with `laid_out`, whether names, shapes and dtypes are its own and not
--- those of the donor, and `config`, what its config.json is to have.
function R.outputs(result)
  result = V.as_model(result)
  if kind(result) == "adapter" then return (adapter(V.data(result))) end
  if kind(result) ~= "model" then
    return (fail("the recipe returns %s, not a model%s", V.called(result), kind(result) == "list" and " -- did you mean mean(...)?" or ""))
  end
  local private, outputs, nodes = V.data(result), {}, {}
  local donor, kept = core.module("meet").donor, private.kept or core.module("meet").donor.kept
  for _, name in ipairs(private.laid_out and {} or donor.names) do
    if private.nodes[name] == nil and not kept[name] then
      return (fail("the result lacks tensor '%s' -- base:with(result) fills what is missing", core.shown(name)))
    end
  end
  for i, name in ipairs(private.names) do
    local node = private.nodes[name]
    if not core.is_tensor(node) then return (fail("tensor '%s' of the result is a number, not a tensor", core.shown(name))) end
    outputs[i], nodes[i] = { name, node }, node
  end
  check_mass(private.names, nodes)
  for name, source in pairs(kept) do outputs[#outputs + 1] = { name, core.input(source[1], source[2]) } end
  if next(kept) then table.sort(outputs, function(x, y) return x[1] < y[1] end) end -- those of the model are in order
  outputs.laid_out, outputs.config = private.laid_out or false, core.module("config").changes(private.config)
  return outputs
end

--- Of what a recipe returns, a model and perhaps a table of further results by their names, the one that --result asks for.
function R.asked(result, also)
  local names = {}
  if also ~= nil and kind(also) ~= "table" then
    return (fail("beside its model a recipe returns further results by their names, as in return model, { masks = m }, not %s", V.called(also)))
  end
  for name in pairs(also or {}) do
    if type(name) ~= "string" or not name:find "^[%a_][%w_.-]*$" or #name > 63 then
      fail("a result's name is a word of at most 63 letters, digits, '_', '.' and '-', not %s", type(name) == "string" and "'" .. core.shown(name) .. "'" or V.called(name))
    end
    names[#names + 1] = name
  end
  if not core.asked then return result end
  if also and also[core.asked] ~= nil then return also[core.asked] end
  table.sort(names)
  return (core.fail("usage", string.format("the recipe has no result '%s'%s", core.shown(core.asked),
    names[1] and ": beside its first it gives " .. table.concat(names, ", ") or ", only one without a name")))
end

-- ---- scores ----

local function measured(model, which)
  if kind(model) ~= "model" then return (fail("a score is of a model, not of %s", V.called(model))) end
  return (core.score(R.outputs(model), which))
end

--- The number that the user's --score gives a model; greater is better. Of several with names their mean.
local whole = core.module("word").word("a.score(model)", function(model)
  if not core.scores then return (core.fail("usage", 'this recipe needs --score "COMMAND {dir}"')) end
  local total, count = 0, math.max(#core.scores, 1)
  for which = 0, count - 1 do total = total + measured(model, which) end
  return total / count
end)

local by_name = {} -- a.score.math: made when it is asked for

--- What stands for a.score: a function, and of scores with names a table of such.
R.score = setmetatable({}, { __metatable = false, __call = function(_, ...) return (whole(...)) end,
  __newindex = function() return (fail("scores cannot be changed")) end,
  __index = function(_, name)
    for i, known in ipairs(core.scores or {}) do
      if known == name then
        by_name[name] = by_name[name] or core.module("word").word("a.score." .. name .. "(model)", function(model) return (measured(model, i - 1)) end)
        A.scores[by_name[name]] = true
        return by_name[name]
      end
    end
    local shown = core.shown(tostring(name))
    return (core.fail("usage", string.format("there is no score '%s': --score %s=COMMAND gives it%s", shown, shown,
      core.module("suggest").hint(tostring(name), { table.unpack(core.scores or {}) }))))
  end })
A.scores[R.score] = true

return R
