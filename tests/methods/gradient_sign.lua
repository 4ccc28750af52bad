return recipe {
  "Gradient-sign masking: a task vector of another base is taken only where it goes down the loss of this one.",
  paper = "Rinaldi et al. 2025, arXiv:2510.09658",
  arg.model("base", "theta_0 that the tuned model comes from"), arg.model("tuned", "theta_1"), arg.model("target", "what is to learn the task"), arg("scale", 1.0, "lambda"),
  arg.calibration(),
  function(a)
    local tau = a.tuned - a.base
    local g = gradient(function(batch) return cross_entropy(logits(a.target, batch), batch) end, a.target, a.data)
    return a.target + a.scale * tau:keep((tau * g):lt(0))
  end,
}
