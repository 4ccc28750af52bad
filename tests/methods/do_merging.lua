return recipe {
  "DO-Merging: lengths and directions of the changes' rows are merged apart.",
  paper = "Zheng et al. 2025, arXiv:2505.15875",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("scale", 1.0, "lambda"),
  function(a)
    local tau = a.experts - a.base
    local length = tau:norm{per = "row"}
    local direction = mean(ratio(tau, length))
    return a.base + a.scale * mean(length) * ratio(direction, direction:norm{per = "row"})
  end,
}
