return recipe {
  "Pack of LLMs: models weigh as sure as they are of a text: by the softmax of their scores.",
  paper = "Mavromatis et al. 2024, arXiv:2404.11531",
  arg.models("models", "theta_t", { min = 1 }), arg("temperature", 1.0, "tau", { min = 1e-9 }), arg.score(),
  function(a)
    local sure = a.models:map(function(m) return math.exp(a.score(m) / a.temperature) end)
    return sum(sure * a.models) / sum(sure)
  end,
}
