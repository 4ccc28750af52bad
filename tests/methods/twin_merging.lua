return recipe {
  "Twin merging: a shared part, and of each task what it has beyond that, compressed; here with weights of the tasks that are given.",
  paper = "Lu et al. 2024, arXiv:2406.15479",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg.each("weight", 1.0, "of a task, as a router gives"),
  arg("rank", 2, "of what is beyond", { min = 1, whole = true }), arg("scale", 0.3, "lambda of the shared part"),
  function(a)
    local shared = a.base + a.scale * sum(a.experts - a.base)
    local beyond = a.experts - shared
    return shared + sum(a.weight * beyond:map(function(x) return x:with(low_rank(x:matrices(), a.rank)) end))
  end,
}
