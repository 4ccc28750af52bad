return recipe {
  "The merged change of each matrix that disturbs the experts' own changes least, found step by step.",
  paper = "Cheng et al. 2025, arXiv:2503.08099",
  arg.model ("base",    "theta_0, the model the experts were tuned from"),
  arg.models("experts", "theta_i, fine-tunes of base", { min = 1 }),
  arg("steps", 300, "steps of Adam", { whole = true, min = 0 }),
  arg("rate", 1e-5, "how far a step goes", { min = 1e-30 }),
  function(a)
    local tau  = a.experts - a.base
    local T    = tau:matrices()
    local gram = matmul(T:T(), T) / T:dot(T)
    local G, B = sum(gram), sum(matmul(T, gram))
    -- sum_i |(x - t_i) t_i'|^2 / |t_i|^2, but for what no x changes
    local x = minimise{ start = sum(T), steps = a.steps, rate = a.rate, loss = function(x) return matmul(x, G):dot(x) - 2 * x:dot(B) end }
    return a.base + mean(tau):with(x)
  end,
}
