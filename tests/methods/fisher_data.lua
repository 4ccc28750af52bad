return recipe {
  "Fisher-weighted mean: each element by how much the loss of its own task depends on it.",
  paper = "Matena and Raffel 2022, arXiv:2111.09832",
  arg.models("experts", "theta_t, as many as files of data", { min = 1 }), arg("floor", 1e-6, "the least information"), arg.calibration(),
  function(a)
    local F = a.experts:map(function(m, i) return fisher(m, a.data[i]):atleast(a.floor) end)
    return sum(F * a.experts) / sum(F)
  end,
}
