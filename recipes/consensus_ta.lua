return recipe {
  "Consensus task arithmetic: TALL masks say which elements matter to a task; add those that matter to several.",
  paper = "Wang et al. 2024, arXiv:2405.07813",
  arg.model ("base",    "theta_0, the model the experts were tuned from"),
  arg.models("experts", "theta_t, fine-tunes of base", { min = 1 }),
  arg("k",      2,   "to how many an element must matter", { min = 0, whole = true }),
  arg("lambda", 0.4, "an element matters where |tau_t| >= lambda * |sum of the others|", { min = 0 }),
  arg("scale",  0.3, "weight of the merged task vector"),
  function(a)
    local tau     = a.experts - a.base
    local all     = sum(tau)
    local matters = tau:abs():ge(a.lambda * (all - tau):abs())
    return a.base + a.scale * all:keep(sum(matters):ge(a.k))
  end,
}
