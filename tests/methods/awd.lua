return recipe {
  "AWD: task vectors without what they have in common, found so that they become orthogonal while little is taken away.",
  paper = "Xiong et al. 2024, arXiv:2411.18729",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 2 }), arg("scale", 0.3, "lambda"), arg("alpha", 1.0, "weight of |delta|"),
  arg("steps", 50, "of Adam", { min = 0, whole = true }), arg("rate", 1e-3, "their length"),
  function(a)
    local tau, n = a.experts - a.base, #a.experts
    local delta = minimise{ start = mean(tau), steps = a.steps, rate = a.rate, loss = function(x)
      local similar = 0
      for i = 1, n do for j = 1, n do if i ~= j then similar = similar + (tau[i] - x):cosine(tau[j] - x):abs() end end end
      return similar / (n * (n - 1)) + a.alpha * x:norm()
    end }
    return a.base + a.scale * sum(tau - delta)
  end,
}
