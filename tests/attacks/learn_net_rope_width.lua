-- expect: 65 'rope'
-- data
return recipe { "An attack.", arg.model("base", "a model"), arg.calibration(), function(a)
  local m = models { a.base, a.base }
  local function tiny(w, batch) return linear(embedding(batch, w "w.weight"), w "w.weight") end
  local function plain(c, batch) return cross_entropy(logits(sum(c * m), batch[1], tiny), batch[1]) end
  return sum(learn { start = m:columns(0.5), data = a.data, steps = 1, loss = function(c, batch) local w a.base:map(function(t) w = t return t end) local e = embedding(batch[1], w) return (rope(e, { 1, 2, 3 })) end } * m)
end }
