--- density_search.lua: the density at which TIES merges best, by golden-section search: each step measures one more density, between the
--- best so far and a neighbour, and the interval shrinks by 0.618 (Kiefer 1953, Proc. AMS 4:502).
---   moonweld script recipes/pipelines/density_search.lua BASE EXPERT EXPERT OUT DATA...
--- OUT.tsv has the losses, OUT the best merge. The same command goes on where it was stopped.
local mw = require "moonweld"
local base, one, two, out = table.unpack(arg, 1, 4)
assert(out and arg[5], "usage: density_search.lua BASE EXPERT EXPERT OUT DATA...")
local data = { table.unpack(arg, 5) }
local measured, mean_loss = require "journal" (out .. ".tsv", { base, one, two, table.unpack(data) }), require "mean_loss"
local STEPS, RATIO = 8, (math.sqrt(5) - 1) / 2

local function merge(density, to)
  mw.merge("ties", { base = base, experts = { one, two }, density = density }, { output = to, force = true, no_sync = true })
end

local function loss_of(density)
  local loss = measured(("density %.6f"):format(density), function()
    return (mean_loss(out .. ".candidate", function(to) merge(density, to) end, data))
  end)
  print(("density %.4f  loss %.4f"):format(density, loss))
  return loss
end

local low, high = 0.05, 1
local left, right = high - RATIO * (high - low), low + RATIO * (high - low)
local loss_left, loss_right = loss_of(left), loss_of(right)
for _ = 1, STEPS do
  if loss_left < loss_right then
    high, right, loss_right = right, left, loss_left
    left = high - RATIO * (high - low)
    loss_left = loss_of(left)
  else
    low, left, loss_left = left, right, loss_right
    right = low + RATIO * (high - low)
    loss_right = loss_of(right)
  end
end
local best = loss_left < loss_right and left or right
merge(best, out)
print(("best: density = %.4f, loss %.4f"):format(best, math.min(loss_left, loss_right)))
