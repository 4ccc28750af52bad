return recipe {
  "Fisher-weighted mean, with diagonals that files give.",
  paper = "Matena and Raffel 2022, arXiv:2111.09832",
  arg.models("experts", "theta_t", { min = 1 }), arg.models("fisher", "a diagonal each", { min = 1 }), arg("floor", 1e-6, "the least"),
  function(a)
    local F = a.fisher:atleast(a.floor)
    return sum(F * a.experts) / sum(F)
  end,
}
