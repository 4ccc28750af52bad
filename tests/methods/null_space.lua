return recipe {
  "Null-space merging: of each change of a linear layer only what the base's inputs do not see is added.",
  paper = "Fang et al. 2024 (AlphaEdit), arXiv:2410.02355; Yu et al. 2024",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("threshold", 0.01, "of the largest eigenvalue: less is not seen", { min = 0 }),
  arg("scale", 1.0, "lambda"), arg.calibration(),
  function(a)
    local G = gram(a.base, a.data)
    local w, e = eigh(G)
    local P = matmul(e:scale_columns(w:lt(a.threshold * w:max())), e:T())
    local tau = sum(a.experts - a.base)
    return a.base + a.scale * tau:with(matmul(tau:only(G), P))
  end,
}
