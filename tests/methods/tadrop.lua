return recipe {
  "TADrop: of each tensor as much is dropped as its distribution has to spare, and the rest gets the length that all had.",
  paper = "Luo et al. 2025, arXiv:2508.06163",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("scale", 0.3, "lambda"),
  function(a)
    local tau = a.experts - a.base
    local density = ratio(tau:abs():mean() ^ 2, tau:square():mean())
    local kept = tau:keep_top(density, {count = "exact"})
    return a.base + a.scale * sum(ratio(tau:norm(), kept:norm()) * kept)
  end,
}
