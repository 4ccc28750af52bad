return recipe {
  "STAR: of each change the leading singular values up to a share of their sum, scaled up by what was cut off.",
  paper = "Lee et al. 2025, arXiv:2502.10339",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("eta", 0.4, "share of the sum kept", { min = 0, max = 1 }),
  function(a)
    local tau = a.experts - a.base
    local u, s, v = svd(tau:matrices())
    local kept = s:keep((s:cumulative() - s):lt(a.eta * s:total()))
    return a.base + mean(tau):with(mean(matmul(u:scale_columns(kept * (s:total() / kept:total())), v)))
  end,
}
