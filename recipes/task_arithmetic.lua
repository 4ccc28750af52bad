return recipe {
  "Add the experts' task vectors to the base: base + scale * sum_t w_t * (expert_t - base).",
  paper = "Ilharco et al. 2023, arXiv:2212.04089",
  arg.model ("base",    "theta_0, the model the experts were tuned from"),
  arg.models("experts", "theta_t, fine-tunes of base", { min = 1 }),
  arg.each  ("weight", 1.0, "w_t, one number for all experts or one each"),
  arg       ("scale",  1.0, "lambda, weight of the merged task vector"),
  arg("normalize", false, "divide by the sum of the weights: a mean, not a sum; by 1 where that is 0"),
  function(a)
    local tau    = a.experts - a.base
    local merged = sum(a.weight * tau)
    return a.base + a.scale * (a.normalize and merged / nonzero(sum(a.weight), 1, { within = 1e-8 }) or merged)
  end,
}
