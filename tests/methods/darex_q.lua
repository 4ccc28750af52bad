return recipe {
  "DAREx-q: of a task vector a random share is dropped, and what is left divided by q, not by 1 - p.",
  paper = "Deng et al. 2024, arXiv:2410.09344",
  arg.model("base", "theta_0"), arg.model("tuned", "theta_1"), arg("drop", 0.9, "p", { min = 0, max = 1 }), arg("q", 0.2, "the divisor", { min = 1e-3 }), arg.seed(),
  function(a)
    local tau = a.tuned - a.base
    return a.base + tau:keep(~tau:bernoulli(a.drop, a.seed)) / a.q
  end,
}
