return recipe {
  "Task vectors by the share of their squared norms in the model.",
  paper = "Zhou et al. 2024, arXiv:2406.11385",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }),
  function(a)
    local tau = a.experts - a.base
    local w = tau:square():total { per = "model" }
    return a.base + sum(w / sum(w) * tau)
  end,
}
