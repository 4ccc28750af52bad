-- expect: 65 loss gives nil
-- data
return recipe { "An attack.", arg.model("base", "a model"), arg.calibration(), function(a)
  local m = models { a.base, a.base }
  local function tiny(w, batch) return linear(embedding(batch, w "w.weight"), w "w.weight") end
  local function plain(c, batch) return cross_entropy(logits(sum(c * m), batch[1], tiny), batch[1]) end
  return sum(learn { start = m:columns(0.5), data = a.data, steps = 1, loss = function() end } * m)
end }
