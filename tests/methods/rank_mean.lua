return recipe {
  "RankMean: each expert's change weighs, tensor by tensor, as its elements rank by magnitude among the experts'.",
  paper = "Perin et al. 2024, RankMean: module-level importance score for merging fine-tuned LLMs",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("scale", 1.0, "lambda"),
  function(a)
    local tau  = a.experts - a.base
    local size = tau:abs()
    local rank = size:map(function(own) return (1 + sum(size:lt(own))):mean() end)
    return a.base + a.scale * sum(rank * tau) / sum(rank)
  end,
}
