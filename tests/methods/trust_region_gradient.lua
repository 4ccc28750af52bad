return recipe {
  "Task arithmetic in the trust region: leaves out the elements in which one task's gradient meets other tasks' changes.",
  paper = "Sun et al. 2025, arXiv:2501.15065",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t, as many as files of data", { min = 1 }), arg("quantile", 0.9, "share within the region", { min = 0, max = 1 }),
  arg("scale", 0.3, "lambda"), arg.calibration(),
  function(a)
    local tau, conflict = a.experts - a.base, 0
    local size = tau:abs()
    for i = 1, #tau do
      local g = gradient(function(batch) return cross_entropy(logits(a.base, batch), batch) end, a.base, a.data[i])
      conflict = conflict + g:abs() * (sum(size) - size[i])
    end
    return a.base + a.scale * sum(tau):keep(conflict:lt(conflict:quantile(a.quantile, { per = "model" })))
  end,
}
