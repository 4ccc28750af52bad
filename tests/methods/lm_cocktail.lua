return recipe {
  "LM-Cocktail: models weighed by the softmax of what they score.",
  paper = "Xiao et al. 2023, arXiv:2311.13534",
  arg.models("models", "the models", { min = 1 }), arg("temperature", 1.0, "of the softmax", { min = 1e-9 }), arg.score(),
  function(a)
    local w = a.models:map(function(m) return math.exp(a.score(m) / a.temperature) end)
    return sum(w / sum(w) * a.models)
  end,
}
