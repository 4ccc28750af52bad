return recipe {
  "Task vectors quantised to a few bits, each tensor between its smallest and its largest element, then added.",
  paper = "Kim et al. 2025, arXiv:2503.06921",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("bits", 3, "bits a weight", { min = 1, max = 8, whole = true }), arg("scale", 0.3, "lambda"),
  function(a)
    local tau  = a.experts - a.base
    local low  = tau:min()
    local step = (tau:max() - low) / (2 ^ a.bits - 1)
    return a.base + a.scale * sum(low + step * ratio(tau - low, step):round())
  end,
}
