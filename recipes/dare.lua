return recipe {
  "Drop a random share of an expert's task vector and rescale what is left.",
  paper = "Yu et al. 2023, arXiv:2311.03099",
  arg.model("base",   "theta_0, the model the expert was tuned from"),
  arg.model("expert", "theta_t, a fine-tune of base"),
  arg("drop", 0.5, "p, share of elements dropped at random", { min = 0, max = 1 }),
  arg.choice("rescale", { "inverse", "l1", "none" }, "what is left is divided by 1 - p, scaled to its old L1 norm, or kept"),
  arg.profile { mergekit = { drop = 0, rescale = "l1" } },
  arg.seed(),
  function(a)
    local tau = a.expert - a.base
    return a.base + tau:drop_rescale(a.drop, a.seed:at("dare"), { rescale = a.rescale })
  end,
}
