return recipe {
  "Exponential moving average of checkpoints, the oldest first.",
  paper = "Morales-Brotons et al. 2024, arXiv:2411.18704",
  arg.models("checkpoints", "theta_i in time", { min = 1 }), arg("decay", 0.9, "what is kept a step"),
  function(a)
    local e = a.checkpoints[1]
    for i = 2, #a.checkpoints do e = lerp(a.checkpoints[i], e, a.decay) end
    return e
  end,
}
