return recipe {
  "Concrete subspace: one mask for all task vectors, learned without labels, rescaled by its mean; the median of its draws stands for these.",
  paper = "Tang et al. 2023, arXiv:2312.06173",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("scale", 0.3, "lambda"), arg("steps", 100, "of training", { min = 0, whole = true }),
  arg("rate", 1e-3, "learning rate"), arg("logit", 0, "the mask's first logits"), arg("temperature", 0.5, "of the draws"), arg.seed(), arg.calibration(),
  function(a)
    local tau = sum(a.experts - a.base)
    local function merged(c)
      local mask = (c / a.temperature):sigmoid()
      return a.base + a.scale * (mask / mask:mean() * tau)
    end
    return merged(learn { start = tau:elements(a.logit), steps = a.steps, rate = a.rate, data = a.data, seed = a.seed, loss = function(c, batch)
      local total = 0
      for i = 1, #batch do total = total + entropy(logits(merged(c), batch[i])) end
      return total
    end })
  end,
}
