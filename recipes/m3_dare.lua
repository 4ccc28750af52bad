local dare, m3 = require "dare", require "m3"
return recipe {
  "Thin every expert with DARE, then mix them as M3 does: base + scale * (lambda * tau_1 + (1 - lambda) * tau_2).",
  paper = "Mixup Model Merge 2025, arXiv:2502.15434; Yu et al. 2023, arXiv:2311.03099",
  arg.model ("base",    "theta_0, the model the experts were tuned from"),
  arg.models("experts", "fine-tunes of base; lambda multiplies the first (more than two: Dirichlet(alpha), an extension)", { min = 2 }),
  arg.from(dare, "drop", "rescale"),
  arg.from(m3, "alpha", "lambda", "scale", "samples"),
  arg.seed(), arg.score(),
  function(a)
    local thinned = a.experts:map(function(expert, i)
      return dare { base = a.base, expert = expert, drop = a.drop, rescale = a.rescale, seed = a.seed:at(i) }
    end)
    return m3 { models = thinned, base = a.base, alpha = a.alpha, lambda = a.lambda, scale = a.scale, samples = a.samples, seed = a.seed,
      score = a.score }
  end,
}
