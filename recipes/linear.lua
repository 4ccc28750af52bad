return recipe {
  "Weighted mean of models, or with normalize = false their weighted sum.",
  paper = "Wortsman et al. 2022, arXiv:2203.05482",
  arg.models("models", "fine-tunes of one initialisation", { min = 1 }),
  arg.each("weight", 1.0, "w_i, one number for all models or one each"),
  arg("normalize", true, "divide by the sum of the weights"),
  function(a)
    if not a.normalize then return sum(a.weight * a.models):unweighed() end
    return sum(a.weight / nonzero(sum(a.weight), "the weights sum to 0, so there is no mean", { within = 1e-12 }) * a.models)
  end,
}
