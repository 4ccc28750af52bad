return recipe {
  "Mixup: models mixed in proportions drawn at random, lambda * theta_1 + (1 - lambda) * theta_2.",
  paper = "Mixup Model Merge 2025, arXiv:2502.15434",
  arg.models("models", "the models; lambda multiplies the first (more than two: Dirichlet(alpha), an extension)", { min = 2 }),
  arg       ("alpha", 0.5, "lambda is drawn from Beta(alpha, alpha); 0 or less: lambda is 1, as upstream", { max = 1000 }),
  arg.maybe ("lambda", "the coefficient of the first of two models, instead of a drawn one", { min = 0, max = 1 }),
  arg.model ("base", "with it: base + scale * (mix - base)", { optional = true }),
  arg       ("scale", 1.0, "weight of the mixed task vector; needs base"),
  arg       ("samples", 1, "how many draws are tried; of more than one the best by --score is kept", { min = 1, max = 1000, whole = true }),
  arg.seed(), arg.score(),
  function(a)
    assert(not a.lambda or #a.models == 2 and a.samples == 1, "'lambda' fixes one mix of two models")
    assert(a.base or a.scale == 1, "'scale' needs --base")
    local stream, parts = a.seed:at("m3"), a.base and a.models - a.base or a.models
    local best, most
    for _ = 1, a.samples do
      local lambda = a.lambda or a.alpha <= 0 and 1 or #parts == 2 and stream:beta(a.alpha, a.alpha)
      local mix    = lambda and lerp(parts[2], parts[1], lambda) or sum(stream:dirichlet(#parts, a.alpha) * parts)
      local merged = a.base and a.base + a.scale * mix or mix
      local score  = a.samples > 1 and a.score(merged)
      if not best or score > most then best, most = merged, score end
    end
    return best
  end,
}
