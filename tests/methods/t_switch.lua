return recipe {
  "T-Switch: task vectors as switches: the signs of their largest elements, and one number that gives each tensor its length.",
  paper = "Qi et al. 2024, arXiv:2412.00054",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("density", 0.3, "share that is on", { min = 0, max = 1 }), arg("scale", 0.5, "lambda"),
  function(a)
    local tau = a.experts - a.base
    local switch = tau:keep_top(a.density, { count = "exact" }):sign()
    return a.base + a.scale * sum(ratio(tau:norm(), switch:norm()) * switch)
  end,
}
