--- minimise.lua: a tensor that makes a loss small, without data: found step by step against the loss's gradient (src/exec/descent.h), of
-- models and lists tensor by tensor. The loss is built once as a graph, of a tensor that stands for what is changed.
local core = ...
local V, N = core.module("value"), core.module("net")
local word = core.module("word").word
local kind, fail, lift = V.kind, V.fail, V.lift

local known = { start = true, loss = true, steps = true, rate = true, optimizer = true, direction = true }
local optimizers = { adam = 0, descent = 1, momentum = 2 }

local function check(spec)
  if type(spec) ~= "table" or kind(spec) ~= "table" then return (fail("minimise takes its settings in braces: minimise{ start =, loss =, steps =, rate = }")) end
  for key in pairs(spec) do
    if not known[key] then fail("minimise has no '%s'%s", core.shown(tostring(key)), core.module("suggest").key(tostring(key), known)) end
  end
  for _, name in ipairs { "loss", "direction" } do
    if type(spec[name]) ~= "function" and (name == "loss" or spec[name] ~= nil) then
      fail("minimise's '%s' is a function(%s), not %s", name, name == "loss" and "x" or "gradient, x", V.called(spec[name]))
    end
  end
  if spec.optimizer ~= nil and optimizers[spec.optimizer] == nil then
    fail("minimise's optimizer is 'adam', 'descent' or 'momentum', not %s", type(spec.optimizer) == "string" and "'" .. core.shown(spec.optimizer) .. "'" or V.called(spec.optimizer))
  end
  local rate = spec.rate
  if type(rate) == "number" and not (rate > 0 and rate < math.huge) then fail("minimise's 'rate' is a number above 0, not %s", tostring(rate)) end
  if type(rate) ~= "number" and kind(rate) ~= "node" and kind(rate) ~= "model" and kind(rate) ~= "list" then
    fail("minimise's 'rate' is a number above 0, plain or lazy, not %s", V.called(rate))
  end
end

--- The tensor that stands for what is changed, of every tensor of `start`.
local function variable_of(start)
  return (lift(function(tensor)
    if kind(tensor) ~= "node" or not core.is_tensor(tensor) then return (fail("minimise's 'start' is made of tensors, not of %s", V.called(tensor))) end
    return (core.apply("variable", tensor))
  end, start))
end

--- One number of the loss for one tensor of x, and its gradient.
local function gradient_of(loss, x)
  if kind(loss) ~= "node" or not core.depends_on(loss, x) then return (fail("minimise's loss does not depend on x")) end
  if core.is_tensor(loss) then
    return (fail("minimise's loss is one number for each tensor, not a tensor [%s]; :total() gives one", table.concat(core.shape(loss), ",")))
  end
  return (core.gradient(loss, x))
end

--- What makes `loss` small, changed from `start` on: see recipes/README.md.
local minimise = word("minimise{...}", function(spec)
  check(spec)
  if V.minimising or V.learning then return (fail("minimise cannot be called within a loss")) end
  local what = kind(spec.start)
  if what ~= "node" and what ~= "model" and what ~= "list" then return (fail("minimise's 'start' is a tensor, a model, or a list of them, not %s", V.called(spec.start))) end
  local steps = N.whole(spec.steps, "minimise's 'steps'", 0, 100000)
  local x = variable_of(spec.start)
  V.minimising = true
  local gradient = lift(gradient_of, spec.loss(x), x)
  if spec.direction then gradient = spec.direction(gradient, x) end
  V.minimising = nil
  return (lift(function(start, changed, g, rate) return (core.minimise(start, changed, g, rate, steps, optimizers[spec.optimizer or "adam"])) end,
    spec.start, x, gradient, spec.rate))
end)
return minimise
