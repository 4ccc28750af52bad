return recipe {
  "SafeMERGE: matrices whose change leaves the alignment's directions are merged with those of a safe fine-tune, the others stay.",
  paper = "Djuhera et al. 2025, arXiv:2503.17239",
  arg.model("unaligned", "the plain base"), arg.model("aligned", "the same, aligned"), arg.model("tuned", "tuned from aligned"),
  arg.model("safe", "tuned from aligned on safe data"), arg("threshold", 0.35, "a cosine below is not safe"), arg("alpha", 0.7, "weight of the tuned model"),
  function(a)
    local V, tau = (a.aligned - a.unaligned):matrices(), a.tuned - a.aligned
    local x = tau:matrices()
    local safe = matmul(matmul(V, V:T()), x):cosine(x):ge(a.threshold)
    return a.tuned:with(a.aligned:matrices() + where(safe, x, lerp((a.safe - a.aligned):matrices(), x, a.alpha)))
  end,
}
