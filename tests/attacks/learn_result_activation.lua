-- expect: 65 activations, which only learn computes
-- data
return recipe { "An attack.", arg.model("base", "a model"), arg.calibration(), function(a)
  local m = models { a.base, a.base }
  local function tiny(w, batch) return linear(embedding(batch, w "w.weight"), w "w.weight") end
  local function plain(c, batch) return cross_entropy(logits(sum(c * m), batch[1], tiny), batch[1]) end
  local kept
  local c = learn { start = m:columns(0.5), data = a.data, steps = 1, loss = function(c, batch)
    kept = logits(a.base, batch[1], tiny):total()
    return plain(c, batch) end }
  return sum(c * m) * kept
end }
