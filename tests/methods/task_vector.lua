return recipe {
  "A task vector as a file of its own.",
  paper = "Ilharco et al. 2023, arXiv:2212.04089",
  arg.model("base", "theta_0"), arg.model("expert", "theta_1"),
  function(a) return (a.expert - a.base):unweighed() end,
}
