return recipe {
  "Localize and stitch with trained masks: of each task vector the elements that its own task needs, averaged where they overlap.",
  paper = "He et al. 2024, arXiv:2408.13656",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t, as many as files of data", { min = 1 }), arg("steps", 100, "of training a mask", { min = 0, whole = true }),
  arg("rate", 10, "learning rate"), arg("sparsity", 1e-5, "weight of the masks' sum"), arg("logit", 0, "the masks' first logits"),
  arg("windows", 1, "of data in a step", { min = 1, whole = true }), arg.seed(), arg.calibration(),
  function(a)
    local tau = a.experts - a.base
    local masks = tau:map(function(t, i)
      return learn { start = t:elements(a.logit), steps = a.steps, rate = a.rate, windows = a.windows, data = a.data[i], seed = a.seed:at(i),
        loss = function(c, batch)
        local m = c:sigmoid()
        return cross_entropy(logits(a.base + m * t, batch[1]), batch[1]) + a.sparsity * m:l1()
      end }:gt(0)
    end)
    return a.base + sum(ratio(masks, sum(masks)) * tau)
  end,
}
