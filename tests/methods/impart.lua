return recipe {
  "ImPart: of a change's singular vectors elements are dropped at random, the more of a pair the smaller its value is, and the rest rescaled.",
  paper = "Yang et al. 2025, arXiv:2504.13237",
  arg.model("base", "theta_0"), arg.model("expert", "theta_1"), arg("alpha", 0.5, "share dropped of the pairs of value 0", { min = 0, max = 1 }), arg.seed(),
  function(a)
    local u, s, v = svd((a.expert - a.base):matrices())
    local drop = a.alpha * (1 - ratio(s, s:max()))
    local U = u:map(function(x, name) return x:drop_rescale(drop[name]:broadcast{x.shape[1], x.shape[2]}, a.seed:at("u")) end)
    local V = v:map(function(x, name) return x:drop_rescale(drop[name]:reshape{x.shape[1], 1}:broadcast{x.shape[1], x.shape[2]}, a.seed:at("v")) end)
    return a.expert:with(a.base:matrices() + matmul(U:scale_columns(s), V))
  end,
}
