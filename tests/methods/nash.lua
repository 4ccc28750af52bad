return recipe {
  "Nash bargaining: weights alpha of the task vectors with G alpha = 1 / alpha, G their dot products, so that no task gains at a greater relative loss of another.",
  paper = "Navon et al. 2022, arXiv:2202.01017",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("steps", 20, "of the fixed point's iteration", { min = 1, max = 200, whole = true }),
  arg("scale", 1.0, "lambda"),
  function(a)
    local tau = a.experts - a.base
    local G, alpha = {}, {}
    for i = 1, #tau do
      G[i] = {}
      for j = 1, #tau do G[i][j] = tau[i]:flat():dot(tau[j]:flat()) end
      alpha[i] = 1 / G[i][i]:sqrt()
    end
    for _ = 1, a.steps do
      local next = {}
      for i = 1, #tau do
        local row = 0
        for j = 1, #tau do row = row + G[i][j] * alpha[j] end
        next[i] = (alpha[i] / row):sqrt()
      end
      alpha = next
    end
    return a.base + a.scale * sum(list(alpha) * tau) / sum(list(alpha))
  end,
}
