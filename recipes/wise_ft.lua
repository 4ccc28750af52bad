local lerp = require "lerp"
return recipe {
  "WiSE-FT: between a pretrained model and its fine-tune, robust to other data than the tuning's.",
  paper = "Wortsman et al. 2022, arXiv:2109.01903",
  arg.model("base",  "theta_0, the pretrained model"),
  arg.model("tuned", "theta_1, the fine-tune"),
  arg("alpha", 0.5, "share of the fine-tune"),
  function(a) return lerp { a = a.base, b = a.tuned, t = a.alpha } end,
}
