-- expect: 65 at most 64 learn{...}, not of 100
-- data
return recipe { "An attack.", arg.model("base", "a model"), arg.calibration(), function(a)
  local m = models { a.base, a.base }
  local function tiny(w, batch) return linear(embedding(batch, w "w.weight"), w "w.weight") end
  local function plain(c, batch) return cross_entropy(logits(sum(c * m), batch[1], tiny), batch[1]) end
  local c = 0
  for i = 1, 100 do c = c + learn { start = m:columns(0.5), data = a.data, steps = 3, loss = plain } end
  return sum(c / 100 * m)
end }
