return recipe {
  "A draw from the normal distribution that checkpoints span: a diagonal and their deviations.",
  paper = "Maddox et al. 2019, arXiv:1902.02476",
  arg.models("checkpoints", "theta_i", { min = 2 }), arg("temper", 1.0, "how far from the mean"), arg.seed(),
  function(a)
    local m, stream = mean(a.checkpoints), a.seed:at("low rank")
    local diagonal = std(a.checkpoints) * m:normal(a.seed:at("diagonal"))
    local low = sum((a.checkpoints - m):map(function(d) return stream:normal() * d end)) / math.sqrt(#a.checkpoints - 1)
    return m + a.temper / math.sqrt(2) * (diagonal + low)
  end,
}
