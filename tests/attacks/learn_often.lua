-- expect: 0
-- data
return recipe { "Learns a hundred times and needs the last.", arg.model("base", "a model"), arg.calibration(), function(a)
  local m = models { a.base, a.base }
  local function tiny(w, batch) return linear(embedding(batch, w "w.weight"), w "w.weight") end
  local function plain(c, batch) return cross_entropy(logits(sum(c * m), batch[1], tiny), batch[1]) end
  local c
  for i = 1, 100 do c = learn { start = m:columns(0.5), data = a.data, steps = 3, loss = plain } end
  return sum(c * m)
end }
