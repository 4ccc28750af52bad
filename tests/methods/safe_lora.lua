return recipe {
  "Safe LoRA: a change that leaves the alignment's directions is projected onto them.",
  paper = "Hsu et al. 2024, arXiv:2405.16833; Djuhera et al. 2025, arXiv:2503.17239",
  arg.model("unaligned", "the plain base"), arg.model("aligned", "the same, aligned"), arg.model("tuned", "tuned from aligned"), arg("threshold", 0.35, "a cosine below is not safe"),
  function(a)
    local V, tau = (a.aligned - a.unaligned):matrices(), a.tuned - a.aligned
    local x = tau:matrices()
    local projected = matmul(matmul(V, V:T()), x) / V:norm()
    return a.aligned + tau:with(where(projected:cosine(x):lt(a.threshold), projected, x))
  end,
}
