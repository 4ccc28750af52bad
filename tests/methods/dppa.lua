return recipe {
  "DPPA: in each matrix the changes that are large for their row and their column are kept and amplified.",
  paper = "Zhu et al. 2024, arXiv:2403.02799",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("density", 0.1, "share kept", { min = 0, max = 1 }), arg("scale", 2.0, "amplification"),
  function(a)
    local tau = a.experts - a.base
    local x = tau:matrices()
    local size = x:abs()
    local score = ratio(size, size:total{per = "row"}) + ratio(size, size:total{per = "column"})
    return a.base + a.scale * mean(tau:with(x:keep(score:keep_top(a.density, {count = "exact"}):ne(0))))
  end,
}
