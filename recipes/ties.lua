return recipe {
  "Trim, elect sign, disjoint mean.",
  paper = "Yadav et al. 2023, arXiv:2306.01708",
  arg.model ("base",    "theta_0, the model the experts were tuned from"),
  arg.models("experts", "theta_t, fine-tunes of base", { min = 1 }),
  arg("density", 0.2, "share of each task vector kept", { min = 0, max = 1 }),
  arg("scale",   1.0, "lambda, weight of the merged task vector"),
  arg.each("weight", 1.0, "w_t, one number for all experts or one each"),
  arg.choice("per", { "model", "tensor" }, "rank magnitudes across the model (paper) or per tensor"),
  function(a)
    local kept = sign_trim(a.experts - a.base, a.density, { per = a.per })
    local vote = a.weight * kept:ne(0)
    return a.base + a.scale * ratio(sum(vote * kept), sum(vote))   -- 0 where nobody votes
  end,
}
