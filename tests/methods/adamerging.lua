return recipe {
  "AdaMerging: a weight for each task vector, or for each of its tensors, learned so that the merged model is sure of itself on unlabelled text.",
  paper = "Yang et al. 2024, arXiv:2310.02575",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg.choice("by", { "tensor", "model" }, "what has a weight of its own"),
  arg("steps", 20, "of learning", { min = 0, whole = true }), arg("rate", 0.01, "learning rate"), arg.seed(), arg.calibration(),
  function(a)
    local function merged(c) return a.base + sum(c * (a.experts - a.base)) end
    local start = a.by == "tensor" and a.experts:tensors(0.3) or a.experts:scalars(0.3)
    return merged(learn { start = start, steps = a.steps, rate = a.rate, data = a.data, seed = a.seed, loss = function(c, batch)
      local total = 0
      for i = 1, #batch do total = total + entropy(logits(merged(c), batch[i])) end
      return total / #batch
    end })
  end,
}
