return recipe {
  "Normal noise as large as a share of each tensor's standard deviation.",
  paper = "supermerger, random noise",
  arg.model("model", "what is disturbed"), arg("strength", 0.1, "share"), arg.seed(),
  function(a) return a.model + a.strength * a.model:std() * a.model:normal(a.seed) end,
}
