return recipe {
  "NAN: task vectors by the inverse of their norms, tensor by tensor.",
  paper = "Si et al. 2025, arXiv:2505.16148",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("scale", 1.0, "lambda"),
  function(a)
    local tau = a.experts - a.base
    local w = 1 / tau:norm()
    return a.base + a.scale * sum(w / sum(w) * tau)
  end,
}
