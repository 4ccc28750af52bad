return recipe {
  "Activation-informed merging: what a merge changes is scaled back where the base's inputs are large.",
  paper = "Nobari et al. 2025, arXiv:2502.02421",
  arg.model("base", "theta_0"), arg.model("merged", "a merge of any kind"), arg("omega", 0.4, "what is left of a change at the largest input", { min = 0, max = 1 }), arg.calibration(),
  function(a)
    local size = inputs(a.base, a.data):map(function(x) return x:abs() end):mean { per = "column" }
    local saliency = size / size:max()
    local change = (a.merged - a.base):only(size)
    return a.merged:with(a.base:only(size) + change:scale_columns(1 - saliency * (1 - a.omega)))
  end,
}
