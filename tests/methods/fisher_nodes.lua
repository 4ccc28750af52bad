return recipe {
  "Fisher-weighted averaging with one Fisher value a node: the mean over a row of a matrix; of a vector each element's own.",
  paper = "Thennal et al. 2024, arXiv:2403.09891",
  arg.models("experts", "theta_t, as many as files of data", { min = 1 }), arg("floor", 1e-6, "the least Fisher value", { min = 0 }), arg.calibration(),
  function(a)
    local F = a.experts:map(function(m, i) return fisher(m, a.data[i]) end):atleast(a.floor)
    local node = F:matrices():mean{ per = "row" }
    local merged = sum(node * a.experts:matrices()) / sum(node)
    return (sum(F * a.experts) / sum(F)):with(merged)
  end,
}
