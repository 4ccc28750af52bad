return recipe {
  "Superposed features: the merged change does to each task's leading input directions what the task's own does, as nearly as least squares allow.",
  paper = "Qiu et al. 2025, arXiv:2502.10698",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("rank", 2, "directions a task", { min = 1, whole = true }),
  function(a)
    local tau = a.experts - a.base
    local u, s, v = svd(tau:matrices(), a.rank)
    local V = join { v, along = "row" }                                                               -- directions, as rows
    local Y = join { u:map(function(p, i) return p:scale_columns(s[i]) end), along = "column" }
    return a.base + mean(tau):with(matmul(Y, pinv(V:T())))
  end,
}
