return recipe {
  "OPCM: experts arrive one after the other; of each change what lies in the span of the merged one is left out, and norms are kept.",
  paper = "Tang et al. 2025, arXiv:2501.09522",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t in time", { min = 1 }), arg("alpha", 0.5, "share of the spectrum that is protected", { min = 0, max = 1 }),
  function(a)
    local tau = a.experts - a.base
    local merged, lambda, length = tau[1], 1, tau[1]:norm()
    for t = 2, #tau do
      local new = tau[t]:with(tau[t]:matrices():map(function(x, name)
        local u, s, v = svd(merged[name])
        local outside = (s:cumulative() / s:sum()):gt(a.alpha)       -- beyond the first values that hold the share
        local z = matmul(matmul(u:T(), x), v:T())
        return matmul(u:scale_columns(outside), matmul(z, v))
      end))
      local sum_of = lambda * merged + new
      length = ((t - 1) * length + tau[t]:norm()) / t
      lambda = ratio(sum_of:norm(), length)
      merged = ratio(1, lambda) * sum_of
    end
    return a.base + merged
  end,
}
