local della_linear = require "della_linear"
return recipe {
  "DELLA with elected signs: MagPrune drops, the sign of the weighted sum is elected, and what agrees is averaged.",
  paper = "Deep et al. 2024, arXiv:2406.11617",
  arg.from(della_linear, "base", "experts", "density", "epsilon", "weight", "scale", "rescale"),
  arg("normalize", true, "divide by the weights of what was added: a mean, not a sum"),
  arg.seed(),
  function(a)
    return della_linear { base = a.base, experts = a.experts, density = a.density, epsilon = a.epsilon, weight = a.weight,
      scale = a.scale, rescale = a.rescale, normalize = a.normalize, elect = true, seed = a.seed }
  end,
}
