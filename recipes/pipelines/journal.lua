--- journal.lua: remembers what was measured, so that a pipeline which was stopped goes on where it was. `measured(key, measure)` gives the
--- number of that key: out of the file if it is there, else what `measure()` gives, which is then written down at once.
---   local measured = require "journal" ("search.tsv")
---   local loss = measured("density 0.2", function() return ... end)
return function(path)
  local known = {}
  for line in (io.open(path, "r") or io.tmpfile()):lines() do
    local key, number = line:match "^([^\t]*)\t(%S+)$"
    if key then known[key] = tonumber(number) end -- a line that was cut off is measured again
  end
  local out = assert(io.open(path, "a"))
  return function(key, measure)
    if not known[key] then
      known[key] = measure()
      assert(out:write(("%s\t%.17g\n"):format(key, known[key])) and out:flush())
    end
    return known[key]
  end
end
