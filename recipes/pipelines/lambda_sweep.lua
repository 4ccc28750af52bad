--- lambda_sweep.lua: how the loss depends on the proportion in which two models are mixed, as a table and a picture.
---   moonweld script recipes/pipelines/lambda_sweep.lua A B OUT DATA...
--- OUT.tsv has the losses, OUT.svg the picture, OUT the best mix. The same command goes on where it was stopped.
local mw = require "moonweld"
local a, b, out = table.unpack(arg, 1, 3)
assert(b and out and arg[4], "usage: lambda_sweep.lua A B OUT DATA...")
local data = { table.unpack(arg, 4) }
local measured, mean_loss = require "journal" (out .. ".tsv", { a, b, table.unpack(data) }), require "mean_loss"

local function mix(lambda, to)
  mw.merge("m3", { models = { a, b }, lambda = lambda }, { output = to, force = true, no_sync = true })
end

local function loss_of(lambda)
  return (mean_loss(out .. ".candidate", function(to) mix(lambda, to) end, data))
end

local values, losses, best = {}, {}, 1
print "lambda    loss"
for i = 0, 10 do
  values[i + 1] = i / 10
  losses[i + 1] = measured(("lambda %g"):format(i / 10), function() return loss_of(i / 10) end)
  if losses[i + 1] < losses[best] then best = i + 1 end
  print(("%-8g  %.4f"):format(values[i + 1], losses[i + 1]))
end
mw.plot { file = out .. ".svg", x = "lambda", y = "loss", values = values, labels = { "" }, curves = { losses } }
mix(values[best], out)
print(("best: lambda = %g, loss %.4f"):format(values[best], losses[best]))
