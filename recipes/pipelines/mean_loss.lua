--- mean_loss.lua: what a candidate of the pipelines is worth. `mean_loss(candidate, merge, data)` lets `merge(candidate)` make the model in that
--- folder, gives the mean of its losses on the files of the list `data`, in nats a token, and removes the folder.
local mw = require "moonweld"
return function(candidate, merge, data)
  merge(candidate)
  local rows, sum = mw.eval(candidate, { data = data }), 0
  for _, row in ipairs(rows) do sum = sum + row.loss end
  os.execute(("rm -rf '%s'"):format((candidate:gsub("'", "'\\''"))))
  return sum / #rows
end
