return recipe {
  "Wanda: in every row keep the weights whose magnitude times the norm of their input is largest.",
  paper = "Sun et al. 2023, arXiv:2306.11695",
  arg.model("model", "what is pruned"), arg.model("norms", "the norm of each weight's input"), arg("density", 0.5, "share of a row kept", { min = 0, max = 1 }),
  function(a)
    local score = a.model:abs() * a.norms
    return a.model:keep(score:keep_top(a.density, { per = "row", count = "exact" }):ne(0))
  end,
}
