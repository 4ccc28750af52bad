--- journal.lua: remembers what was measured, so that a pipeline which was stopped goes on where it was. `measured(key, measure)` gives the
--- number of that key: out of the file if it is there, else what `measure()` gives, which is then written down at once. `words` are what the
--- numbers depend on beside the keys: they are the first line, and a file of other words is refused.
---   local measured = require "journal" ("search.tsv", { model, data })
---   local loss = measured("density 0.2", function() return ... end)
return function(path, words)
  local first, known, whole, cut = "# " .. table.concat(words, "\t") .. "\n", {}, {}, false
  for line in (io.open(path, "r") or io.tmpfile()):lines "L" do
    local key, number = line:match "^([^\t]*)\t(%S+)\n$"
    cut = line:sub(-1) ~= "\n" -- the last one, where the disk was full or the power went: what it tells is measured again
    if #whole == 0 and not cut then
      assert(line == first, ("%s has the numbers of another search: %sremove it, or name another output"):format(path, line))
    elseif key then known[key] = tonumber(number) end
    if not cut then whole[#whole + 1] = line end
  end
  local new = #whole == 0
  local out = assert(io.open(path, (new or cut) and "w" or "a"))
  local function write(text) assert(out:write(text) and out:flush()) end
  if new then write(first) elseif cut then write(table.concat(whole)) end
  return function(key, measure)
    if not known[key] then
      known[key] = measure()
      write(("%s\t%.17g\n"):format(key, known[key]))
    end
    return known[key]
  end
end
