return recipe {
  "Uncertainty-based gradient matching: each task vector by its own curvature and the base's, as a share of all.",
  paper = "Daheim et al. 2024, arXiv:2310.12808",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }),
  arg.model("base_fisher", "H_0, the diagonal of the base's Fisher matrix"), arg.models("fishers", "H_t, as many as experts", { min = 1 }),
  arg.each("weight", 1.0, "alpha_t"), arg("damping", 1e-6, "delta, added to H_0", { min = 0 }),
  function(a)
    local H0 = a.base_fisher + a.damping
    local H  = H0 + sum(a.weight * a.fishers)
    return a.base + sum(a.weight * ((H0 + a.fishers) / H * (a.experts - a.base)))
  end,
}
