return recipe {
  "Ethos: of a change to be forgotten only what is small along the base's own singular directions is taken away, since the rest is what the base knows.",
  paper = "Gao et al. 2024, arXiv:2403.08994",
  arg.model("base", "theta_0"), arg.model("unwanted", "tuned on what is to be forgotten"), arg("threshold", 0.03, "xi, of the largest coordinate", { min = 0, max = 1 }),
  arg("scale", 1.0, "lambda"),
  function(a)
    local u, _, v = svd(a.base:matrices())
    local at  = matmul(matmul(u:T(), (a.unwanted - a.base):matrices()), v:T()) -- the change in the base's directions
    local own = at:keep(at:abs():le(a.threshold * at:peak()))
    return a.base:with(a.base:matrices() - a.scale * matmul(matmul(u, own), v))
  end,
}
