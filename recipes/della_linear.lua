return recipe {
  "DELLA: drop elements of task vectors at random, in each row the smaller ones more often; add what is left to the base.",
  paper = "Deep et al. 2024, arXiv:2406.11617",
  arg.model ("base",    "theta_0, the model the experts were tuned from"),
  arg.models("experts", "theta_t, fine-tunes of base", { min = 1 }),
  arg.each("density", 0.5,  "mean probability of keeping an element; 1 keeps all", { min = 0, max = 1 }),
  arg.each("epsilon", 0.15, "from density - epsilon for the smallest of a row to density + epsilon for its largest", { min = 0, max = 1 }),
  arg.each("weight",  1.0,  "w_t, one number for all experts or one each"),
  arg("scale",     1.0,   "lambda, weight of the merged task vector"),
  arg("rescale",   true,  "give each tensor its L1 norm back"),
  arg("elect",     false, "keep only what agrees with the elected sign"),
  arg("normalize", false, "divide by the weights of what was added: a mean, not a sum"),
  arg.seed(),
  function(a)
    local tau    = a.experts - a.base
    local keep   = a.density + a.epsilon * (2 * tau:abs():rank { per = "row" } - 1)
    local drawn  = tau:bernoulli(keep:atleast(a.density:floor()) * a.density:sign(), a.seed)    -- a density of 1 or 0 is no chance
    local kept   = tau:keep(drawn)
    local before, after = tau:abs():total(), kept:abs():total()
    if a.rescale then kept = where(before:ge(1e-7) & after:ge(1e-7), ratio(before, after), 1) * kept end
    kept = a.weight * kept
    local agrees = a.elect and kept:sign():eq(where(sum(kept):ge(0), 1, -1)) or 1
    local merged = sum(agrees * kept)
    local weight = sum(a.weight * agrees)
    return a.base + a.scale * (a.normalize and merged / nonzero(weight, 1, { within = a.elect and 0 or 1e-8 }) or merged)
  end,
}
