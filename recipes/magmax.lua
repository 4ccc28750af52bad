return recipe {
  "MagMax: the largest change of each element, the later one of equals.",
  paper = "Marczak et al. 2024, arXiv:2407.06322",
  arg.model ("base",    "theta_0, the model the experts were tuned from"),
  arg.models("experts", "theta_t, fine-tunes of base", { min = 1 }),
  arg("scale", 0.5, "lambda, weight of the merged task vector"),
  function(a)
    local tau  = a.experts - a.base
    local most = tau[1]
    for i = 2, #tau do most = where(tau[i]:abs():ge(most:abs()), tau[i], most) end
    return a.base + a.scale * most
  end,
}
