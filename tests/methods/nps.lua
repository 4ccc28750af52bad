return recipe {
  "Neural parameter search: a change is cut by magnitude into three parts of equal size, and each has a coefficient to be searched for (moonweld sweep).",
  paper = "Du et al. 2025, arXiv:2505.18713",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("small", 0.2, "of the smallest elements"), arg("middle", 0.5, "of the middle ones"),
  arg("large", 1.0, "of the largest"),
  function(a)
    local tau = a.experts - a.base
    local large, upper = tau:keep_top(1 / 3, {count = "exact"}), tau:keep_top(2 / 3, {count = "exact"})
    return a.base + sum(a.large * large + a.middle * (upper - large) + a.small * (tau - upper))
  end,
}
