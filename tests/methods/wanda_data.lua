return recipe {
  "Wanda: in every row of a linear layer keep the weights whose magnitude times the norm of their input is largest.",
  paper = "Sun et al. 2023, arXiv:2306.11695",
  arg.model("model", "what is pruned"), arg("density", 0.5, "share of a row kept", { min = 0, max = 1 }), arg.calibration(),
  function(a)
    local norms = inputs(a.model, a.data):norm { per = "column" }
    local linear = a.model:only(norms)
    local score = linear:abs():scale_columns(norms)
    return a.model:with(linear:keep(score:keep_top(a.density, { per = "row", count = "exact" }):ne(0)):unweighed())
  end,
}
