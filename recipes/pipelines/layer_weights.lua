--- layer_weights.lua: task vectors with weights that vary over the layers, found by CMA-ES on a loss: an evolutionary merge in the manner of
--- Akiba et al. 2024, arXiv:2403.13187 (their parameter space). Each expert has POINTS weights, a gradient over the depth.
---   moonweld script recipes/pipelines/layer_weights.lua BASE EXPERT EXPERT OUT GENERATIONS DATA...
--- OUT.tsv has all losses, OUT the best merge. The same command goes on where it was stopped.
local mw = require "moonweld"
local base, one, two, out, generations = table.unpack(arg, 1, 5)
assert(generations and arg[6], "usage: layer_weights.lua BASE EXPERT EXPERT OUT GENERATIONS DATA...")
local data = { table.unpack(arg, 6) }
local measured, mean_loss = require "journal" (out .. ".tsv", { base, one, two, table.unpack(data) }), require "mean_loss"
local POINTS = 3

--- Both experts' gradients: "layers:0.5,0.4,0.6".
local function gradients(x)
  local texts = {}
  for e = 1, 2 do
    local points = {}
    for i = 1, POINTS do points[i] = ("%.6f"):format(x[(e - 1) * POINTS + i]) end
    texts[e] = "layers:" .. table.concat(points, ",")
  end
  return texts
end

local function merge(x, to)
  mw.merge("task_arithmetic", { base = base, experts = { one, two }, weight = gradients(x) }, { output = to, force = true, no_sync = true })
end

local function loss_of(x)
  return measured(table.concat(gradients(x), " "), function()
    return (mean_loss(out .. ".candidate", function(to) merge(x, to) end, data))
  end)
end

local start = {}
for i = 1, 2 * POINTS do start[i] = 0.5 end
local best, loss = require "cma" (start, 0.2, assert(math.tointeger(tonumber(generations)), "GENERATIONS is a whole number"), loss_of)
merge(best, out)
print(("best: %s, loss %.4f"):format(table.concat(gradients(best), " and "), loss))
