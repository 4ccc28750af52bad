return recipe {
  "DF-Merge: models at scales of their own between base and fine-tune, weighed by the Fisher information that they have there.",
  paper = "Lee et al. 2025, arXiv:2504.18992",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t, as many as files of data", { min = 1 }), arg.each("scale", 0.7, "lambda_t, as a search over scores finds them"),
  arg("floor", 1e-6, "the least information"), arg.calibration(),
  function(a)
    local scaled = a.base + a.scale * (a.experts - a.base)
    local F = scaled:map(function(m, i) return fisher(m, a.data[i]):atleast(a.floor) end)
    return sum(F * scaled) / sum(F)
  end,
}
