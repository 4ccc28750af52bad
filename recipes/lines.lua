return recipe {
  "LiNeS: task arithmetic with a scale that grows linearly with depth, so that the general features of early layers stay.",
  paper = "Wang et al. 2024, arXiv:2410.17146",
  arg.model ("base",    "theta_0, the model the experts were tuned from"),
  arg.models("experts", "theta_t, fine-tunes of base", { min = 1 }),
  arg("alpha", 0.2, "scale of the first layer"),
  arg("beta",  0.8, "how much more the last layer has"),
  function(a) return a.base + layers { a.alpha, a.alpha + a.beta } * sum(a.experts - a.base) end,
}
