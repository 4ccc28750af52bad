return recipe {
  "BECAME: what is new joins what was there with the weight at which the sum of both losses is least, by the curvatures along the change.",
  paper = "Li et al. 2025, arXiv:2504.02666",
  arg.model("old", "theta_{t-1}"), arg.model("new", "theta_t, tuned from it"), arg.calibration(),
  function(a)
    local delta  = a.new - a.old
    local before = (delta * delta * fisher(a.old, a.data[1])):total{per = "model"}
    local after  = (delta * delta * fisher(a.new, a.data[2])):total{per = "model"}
    return a.old + after / (before + after) * delta
  end,
}
