local nuslerp = require "nuslerp"
return recipe {
  "WARP: two policies' task vectors by slerp, then a step from the base.",
  paper = "Rame et al. 2024, arXiv:2406.16768",
  arg.model("base", "theta_0"), arg.models("policies", "two", { min = 2, max = 2 }), arg("t", 0.5, "of slerp"), arg("eta", 0.3, "of the step"),
  function(a) return lerp(a.base, nuslerp { base = a.base, models = a.policies, weight = { 1 - a.t, a.t } }, a.eta) end,
}
