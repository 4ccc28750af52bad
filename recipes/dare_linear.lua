local dare = require "dare"
return recipe {
  "Thin every expert's task vector with DARE, then add them to the base.",
  paper = "Yu et al. 2023, arXiv:2311.03099",
  arg.model ("base",    "theta_0, the model the experts were tuned from"),
  arg.models("experts", "theta_t, fine-tunes of base", { min = 1 }),
  arg.from  (dare, "drop", "rescale"),
  arg.each  ("weight", 1.0, "w_t, one number for all experts or one each"),
  arg       ("scale",  1.0, "lambda, weight of the merged task vector"),
  arg.seed(),
  function(a)
    local tau     = a.experts - a.base
    local thinned = tau:drop_rescale(a.drop, a.seed:at("dare"), { rescale = a.rescale })  -- a mask of its own for each expert
    return a.base + a.scale * sum(a.weight * thinned)
  end,
}
