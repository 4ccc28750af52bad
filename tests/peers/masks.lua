return recipe {
  "The masks that dare_linear and dare_ties draw, as a model of ones and zeros: for peers that are to use the same.",
  arg.model ("base",    "theta_0, the model the experts were tuned from"),
  arg.models("experts", "theta_t, fine-tunes of base", { min = 1 }),
  arg("drop", 0.5, "p, share of elements dropped at random", { min = 0, max = 1 }),
  arg("expert", 1, "whose mask", { min = 1, whole = true }),
  arg.seed(),
  function(a)
    local dropped = (a.experts - a.base):bernoulli(a.drop, a.seed:at("dare"))[a.expert]
    return where(a.base:eq(a.base), ~dropped, a.base:abs())   -- of no known weight
  end,
}
