return recipe {
  "Trim, elect sign, disjoint mean.",
  paper = "Yadav et al. 2023, arXiv:2306.01708",
  arg.model ("base",    "theta_0, the model the experts were tuned from"),
  arg.models("experts", "theta_t, fine-tunes of base", { min = 1 }),
  arg.each("density", 0.2, "share of each task vector kept, one number for all experts or one each", { min = 0, max = 1 }),
  arg.each("weight", 1.0, "w_t, one number for all experts or one each"),
  arg("scale",   1.0, "lambda, weight of the merged task vector"),
  arg.choice("rescale",  { "none", "l1" }, "what is kept is left as it is, or scaled to the L1 norm that the task vector had"),
  arg.choice("per",      { "model", "tensor" },    "rank magnitudes across the model or per tensor"),
  arg.choice("count",    { "ties", "exact", "some" }, "keep all that ties at the threshold, or exactly int(density * n), lower index first, or that but at least one"),
  arg.choice("election", { "equal", "weighted" },  "whether weight counts in the vote on signs"),
  arg.choice("drawn",    { "majority", "plus" },   "a drawn vote goes to the model's majority (else to minus), or to plus"),
  arg("normalize", true, "divide by the weights of those who agree: a mean, not a sum"),
  arg.profile { mergekit = { density = 1, per = "tensor", count = "some", election = "weighted", drawn = "plus" } },
  function(a)
    local tau      = a.experts - a.base
    local kept     = tau:keep_top(a.density, { per = a.per, count = a.count })
    local l1, left = tau:abs():total(), kept:abs():total()
    if a.rescale == "l1" then kept = kept * where(l1:atmost(left):lt(1e-7), 1, ratio(l1, left)) end
    local electors = a.election == "weighted" and a.weight or nil
    local elected  = sign_trim(kept, 1, { weight = electors, drawn = a.drawn })
    local merged   = a.normalize and disjoint_mean(elected, a.weight) or sum(a.weight * elected)
    return a.base + a.scale * merged
  end,
}
