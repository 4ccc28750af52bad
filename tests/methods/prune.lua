return recipe {
  "The largest weights of each matrix, or as many at random.",
  paper = "Han et al. 2015, arXiv:1506.02626",
  arg.model("model", "what is pruned"), arg("density", 0.5, "share kept", { min = 0, max = 1 }), arg("random", false, "at random"), arg.seed(),
  function(a)
    local m = a.model:matrices()
    return a.model:with((a.random and m:keep(m:bernoulli(a.density, a.seed)) or m:keep_top(a.density, { count = "exact" })):unweighed())
  end,
}
