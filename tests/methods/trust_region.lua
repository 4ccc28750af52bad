return recipe {
  "Leaves out the elements in which large changes of several tasks meet.",
  paper = "Sun et al. 2025, arXiv:2501.15065 (zero-shot)",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("quantile", 0.9, "share within the region", { min = 0, max = 1 }), arg("scale", 0.3, "lambda"),
  function(a)
    local tau = a.experts - a.base
    local size, all = tau:abs(), sum(tau:abs())
    local conflict = sum(size * (all - size))
    return a.base + a.scale * sum(tau):keep(conflict:lt(conflict:quantile(a.quantile, { per = "model" })))
  end,
}
