return recipe {
  "Every tensor is that of one of the models, drawn.",
  paper = "Hu et al. 2023, arXiv:2307.09218 (FedMR)",
  arg.models("models", "the models", { min = 1 }), arg.seed(),
  function(a)
    local stream = a.seed:at("recombine")
    return a.models[1]:map(function(_, name) return a.models[1 + math.floor(stream:uniform() * #a.models)][name] end)
  end,
}
