local dare = require "dare"
return recipe {
  "Thin every expert's task vector with DARE, then add them to the base.",
  paper = "Yu et al. 2023, arXiv:2311.03099",
  arg.model ("base",    "theta_0, the model the experts were tuned from"),
  arg.models("experts", "theta_t, fine-tunes of base", { min = 1 }),
  arg.each("drop", 0.5, "p, share of elements dropped at random, one number for all experts or one each", { min = 0, max = 1 }),
  arg.from(dare, "rescale"),
  arg.each  ("weight", 1.0, "w_t, one number for all experts or one each"),
  arg       ("scale",  1.0, "lambda, weight of the merged task vector"),
  arg       ("normalize", false, "divide by the sum of the weights: a mean, not a sum; by 1 where that is 0"),
  arg.profile { mergekit = { drop = 0, rescale = "l1" } },
  arg.seed(),
  function(a)
    local tau    = (a.experts - a.base):drop_rescale(a.drop, a.seed:at("dare"), { rescale = a.rescale })  -- a mask for each expert
    local merged = sum(a.weight * tau)
    return a.base + a.scale * (a.normalize and merged / nonzero(sum(a.weight), 1, { within = 1e-8 }) or merged)
  end,
}
