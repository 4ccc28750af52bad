return recipe {
  "NegMerge: takes away the mean of what all fine-tunes of the task to forget have changed with one sign.",
  paper = "Kim et al. 2025, arXiv:2410.05583",
  arg.model("base", "theta_0"), arg.models("experts", "theta_i", { min = 1 }), arg("scale", 1.0, "lambda"),
  function(a)
    local tau = a.experts - a.base
    return a.base - a.scale * mean(tau):keep(sum(tau:sign()):abs():eq(#tau))
  end,
}
