return recipe {
  "The sum of the task vectors with all its singular values made equal to their mean.",
  paper = "Marczak et al. 2025, arXiv:2502.04959",
  arg.model ("base",    "theta_0, the model the experts were tuned from"),
  arg.models("experts", "theta_t, fine-tunes of base", { min = 1 }),
  arg("scale", 1.0, "alpha, weight of the merged task vector"),
  function(a)
    local tau = a.experts - a.base
    local x = sum(tau):matrices()
    local q = orthogonal(x) -- U V'; x:dot(q) is the sum of the singular values
    return a.base + a.scale * mean(tau):with(x:dot(q) / x:rank_max() * q)
  end,
}
