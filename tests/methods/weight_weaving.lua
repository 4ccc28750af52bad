return recipe {
  "Weight weaving: the mean of merges with many scales.",
  paper = "Chaves et al. 2025, arXiv:2510.13921",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("steps", 10, "scales from 1 / steps to 1", { min = 1, whole = true }),
  function(a)
    local all, list = sum(a.experts - a.base), {}
    for k = 1, a.steps do list[k] = a.base + k / a.steps * all end
    return mean(list)
  end,
}
