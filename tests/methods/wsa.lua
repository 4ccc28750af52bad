return recipe {
  "Weight scope alignment: models get their common mean and deviation before they are averaged, tensor by tensor.",
  paper = "Xu et al. 2024, arXiv:2408.12237",
  arg.models("models", "the models", { min = 1 }),
  function(a)
    local unit = (a.models - a.models:mean()) / a.models:std()
    return mean(unit * mean(a.models:std()) + mean(a.models:mean()))
  end,
}
