return recipe {
  "Model breadcrumbs: of every task vector drop the largest outliers and the small rest; add what is left, or elect signs.",
  paper = "Davari and Belilovsky 2023, arXiv:2312.06795",
  arg.model ("base",    "theta_0, the model the experts were tuned from"),
  arg.models("experts", "theta_t, fine-tunes of base", { min = 1 }),
  arg.each("density", 0.9,  "share of each tensor kept", { min = 0, max = 1 }),
  arg.each("gamma",   0.01, "share of each tensor, its largest elements, dropped", { min = 0, max = 1 }),
  arg.each("weight",  1.0,  "w_t, one number for all experts or one each"),
  arg("scale",     1.0,   "lambda, weight of the merged task vector"),
  arg("elect",     false, "keep only what agrees with the elected sign (breadcrumbs_ties)"),
  arg("normalize", false, "divide by the weights of what was added: a mean, not a sum"),
  arg.choice("rescale", { "none", "l1" }, "what is kept is left as it is, or scaled to the L1 norm that the task vector had"),
  function(a)
    local tau    = a.experts - a.base
    local band   = tau:keep_top(a.density, { count = "exact", below = a.gamma })
    local l1, left = tau:abs():total(), band:abs():total()
    if a.rescale == "l1" then band = band * where(l1:atmost(left):lt(1e-7), 1, ratio(l1, left)) end
    local kept   = a.weight * band
    local agrees = a.elect and kept:sign():eq(where(sum(kept):ge(0), 1, -1)) or 1
    local merged = sum(agrees * kept)
    local weight = sum(a.weight * agrees)
    return a.base + a.scale * (a.normalize and merged / nonzero(weight, 1, { within = a.elect and 0 or 1e-8 }) or merged)
  end,
}
