return recipe {
  "ExPO: go on beyond an aligned model, in the direction in which it was tuned.",
  paper = "Zheng et al. 2024, arXiv:2404.16792",
  arg.model("sft",     "theta_0, the model before alignment"),
  arg.model("aligned", "theta_1, the model after it"),
  arg("alpha", 0.3, "how far beyond"),
  function(a) return a.aligned + a.alpha * (a.aligned - a.sft) end,
}
