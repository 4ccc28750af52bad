return recipe {
  "DOGE-TA: a change of all task vectors that takes their conflicts away, found by descent that leaves the subspace of all tasks alone.",
  paper = "Wei et al. 2025, arXiv:2501.01230",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("scale", 0.07, "of lambda_t = scale / |tau_t|"), arg("subspace", 6, "1 / share of its rank", { min = 1 }),
  arg("density", 0.3, "kept of each adjusted task vector", { min = 0, max = 1 }), arg("steps", 400, "of Adam", { min = 0, whole = true }), arg("rate", 1e-4, "their length"),
  function(a)
    local tau = a.experts - a.base
    local T, weight = tau:matrices(), a.scale / tau:norm()
    local u = svd(T, { share = 1 / #T })
    local shared = svd(join{u, along = "column"}, { share = 1 / a.subspace })
    local w = a.scale / T:norm()
    local delta = minimise{ start = 0 * T[1], steps = a.steps, rate = a.rate,
      loss = function(x) return sum(T:map(function(t) return (t * (t - sum(w * T) - sum(w) * x)):total{per = "row"}:square():total() end)) end,
      direction = function(g) return g - matmul(shared, matmul(shared:T(), g)) end }
    local keep = tau:keep_top(a.density, { per = "model" }):ne(0)
    local moved = tau:map(function(t) return t:with(t:matrices() + delta) end)
    return a.base + sum(weight * moved:keep(keep))
  end,
}
