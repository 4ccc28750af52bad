return recipe {
  "TALL mask: of the merged task vector what matters to one task.",
  paper = "Wang et al. 2024, arXiv:2405.07813",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("task", 1, "whose", { min = 1, whole = true }), arg("lambda", 0.4, "strictness"),
  function(a)
    local tau = a.experts - a.base
    return a.base + sum(tau):keep(tau[a.task]:abs():ge(a.lambda * (sum(tau) - tau[a.task]):abs()))
  end,
}
