return recipe {
  "OptMerge: WUDI on what each change has of low rank, from the mean of the changes, by descent with momentum.",
  paper = "Wei et al. 2025, arXiv:2505.19892",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("steps", 300, "of descent", { min = 0, whole = true }), arg("rate", 1e-4, "their length"),
  function(a)
    local tau = a.experts - a.base
    local T = tau:matrices()
    local u, s, v = svd(T, { share = 1 / #T })
    local lead = matmul(u:scale_columns(s), v)
    local x = minimise{ start = mean(T), steps = a.steps, rate = a.rate, optimizer = "momentum",
      loss = function(x) return sum(T:map(function(t, i) return matmul(x - lead[i], v[i]:scale_rows(s[i]):T()):square():total() / t:dot(t) end)) end }
    return a.base + mean(tau):with(x)
  end,
}
