return recipe {
  "MAGIC: the mean of the task vectors, at the mean of their norms.",
  paper = "Li et al. 2025, arXiv:2512.19320",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }),
  function(a)
    local tau = a.experts - a.base
    return a.base + ratio(mean(tau:norm()), mean(tau):norm()) * mean(tau)
  end,
}
