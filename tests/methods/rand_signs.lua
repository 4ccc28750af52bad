return recipe {
  "Every task vector's columns get signs of their own before they are added, so that experts interfere less; one task's are taken back.",
  paper = "Zhou et al. 2024, arXiv:2410.03255 (RandES)",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("task", 1, "whose signs are taken back", { min = 1, whole = true }), arg.seed(),
  function(a)
    local tau   = a.experts - a.base
    local signs = 2 * tau:norm({ per = "column" }):bernoulli(0.5, a.seed) - 1
    return a.base + choose(signs, a.task) * sum(signs * tau)
  end,
}
