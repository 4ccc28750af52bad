return recipe {
  "BitDelta: of a fine-tune only the signs of its change, and one scale a matrix.",
  paper = "Liu et al. 2024, arXiv:2402.10193",
  arg.model("base", "theta_0"), arg.model("expert", "theta_1"),
  function(a)
    local tau = (a.expert - a.base):matrices()
    return a.expert:with(a.base:matrices() + tau:abs():mean() * where(tau:gt(0), 1, -1))
  end,
}
