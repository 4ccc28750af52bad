return recipe {
  "Localize and stitch without data: each task's largest changes of the model; where they meet, their mean.",
  paper = "He et al. 2024, arXiv:2408.13656",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("sparsity", 0.05, "share kept", { min = 0, max = 1 }),
  function(a) return a.base + disjoint_mean((a.experts - a.base):keep_top(a.sparsity, { per = "model", count = "exact" })) end,
}
