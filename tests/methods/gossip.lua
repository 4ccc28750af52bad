return recipe {
  "Gossip: pairs of neighbours learn their weights, each on its own text; then all are averaged.",
  paper = "FusionBench, gossip merging",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t, as many as files of data", { min = 1 }), arg("steps", 20, "of each pair", { min = 0, whole = true }),
  arg("rate", 0.01, "learning rate"), arg.seed(), arg.calibration(),
  function(a)
    local n = #a.experts
    return mean(a.experts:map(function(_, i)
      local near = list { a.experts[i], a.experts[i % n + 1] }
      local function mix(c) return a.base + sum(c * (near - a.base)) end
      return mix(learn { start = near:scalars(0.3), steps = a.steps, rate = a.rate, data = a.data, seed = a.seed:at(i),
        loss = function(c, batch) return entropy(logits(mix(c), batch[i])) end })
    end))
  end,
}
