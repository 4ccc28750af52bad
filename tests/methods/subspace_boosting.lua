return recipe {
  "Subspace boosting: small singular values of the merged change are raised to the value up to which a share of the sum lies.",
  paper = "Skorobogat et al. 2025, arXiv:2506.16506",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("beta", 0.5, "share of the sum", { min = 0, max = 1 }), arg("scale", 1.0, "lambda"),
  function(a)
    local tau = a.experts - a.base
    local u, s, v = svd(sum(tau):matrices())
    local boosted = s:map(function(t)
      local reached = (t:cumulative() / t:sum()):ge(a.beta)
      return t:atleast((t * reached):max())
    end)
    return a.base + a.scale * sum(tau):with(matmul(u:scale_columns(boosted), v))
  end,
}
