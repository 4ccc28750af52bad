return recipe {
  "Mixup: models mixed in proportions drawn at random, lambda * theta_1 + (1 - lambda) * theta_2.",
  paper = "Mixup Model Merge 2025, arXiv:2502.15434",
  arg.models("models", "the models; lambda multiplies the first (more than two: Dirichlet(alpha), an extension)", { min = 2 }),
  arg       ("alpha", 0.5, "lambda is drawn from Beta(alpha, alpha)", { min = 0.001, max = 1000 }),
  arg.maybe ("lambda", "the coefficient of the first of two models, instead of a drawn one", { min = 0, max = 1 }),
  arg.model ("base", "with it: base + scale * (mix - base)", { optional = true }),
  arg       ("scale", 1.0, "weight of the mixed task vector; needs base"),
  arg.seed(),
  function(a)
    local n = #a.models
    assert(n == 2 or not a.lambda, "'lambda' fixes the mix of two models, not of " .. n)
    assert(a.base or a.scale == 1, "'scale' needs --base")
    local lambda = a.lambda or n == 2 and a.seed:at("m3"):beta(a.alpha, a.alpha)
    local shares = lambda and models { lambda, 1 - lambda } or a.seed:at("m3"):dirichlet(n, a.alpha)
    local mix    = sum(shares * a.models)
    return a.base and a.base + a.scale * (mix - a.base) or mix
  end,
}
