return recipe {
  "Core space: task arithmetic of low-rank changes within the common bases of their columns and rows, where nothing is lost.",
  paper = "Panariello et al. 2025, arXiv:2509.17786",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("rank", 2, "of each change", { min = 1, whole = true }),
  arg("density", 0.5, "share of a core kept", { min = 0, max = 1 }), arg("scale", 1.0, "lambda"),
  function(a)
    local tau = a.experts - a.base
    local u, s, v = svd(tau:matrices(), a.rank)
    local U = svd(join { u, along = "column" })
    local _, _, V = svd(join { v, along = "row" })
    local cores = tau:map(function(_, i) return matmul(matmul(U:T(), u[i]:scale_columns(s[i])), matmul(v[i], V:T())) end)
    local merged = sum(cores:keep_top(a.density, { count = "exact" }))
    return a.base + a.scale * mean(tau):with(matmul(matmul(U, merged), V))
  end,
}
