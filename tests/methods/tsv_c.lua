return recipe {
  "TSV-C: one task's change from its leading singular vectors alone.",
  paper = "Gargiulo et al. 2025, arXiv:2412.00081",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("task", 1, "whose", { min = 1, whole = true }),
  function(a)
    local tau = a.experts[a.task] - a.base
    return a.base + tau:with(low_rank(tau:matrices(), { share = 1 / #a.experts }))
  end,
}
