local ties = require "ties"
return recipe {
  "TIES with a threshold of standard deviations from the mean of the task vector.",
  paper = "Yadav et al. 2023, arXiv:2306.01708 (reset by std)",
  arg.model("base", "theta_0"), arg.models("experts", "theta_i", { min = 1 }), arg("f", 1.0, "standard deviations"), arg("scale", 1.0, "lambda"),
  function(a)
    local tau, whole = a.experts - a.base, { per = "model" }
    local kept = tau:keep((tau - tau:mean(whole)):abs():gt(a.f * tau:std(whole)))
    return ties { base = a.base, experts = a.base + kept, density = 1, scale = a.scale, drawn = "plus" }
  end,
}
