return recipe {
  "The leading singular vectors of each expert's change, side by side, made orthogonal to one another.",
  paper = "Gargiulo et al. 2025, arXiv:2412.00081",
  arg.model ("base",    "theta_0, the model the experts were tuned from"),
  arg.models("experts", "theta_t, fine-tunes of base", { min = 1 }),
  arg("scale", 1.0, "lambda, weight of the merged task vector"),
  function(a)
    local tau = a.experts - a.base
    local u, s, v = svd(tau:matrices(), { share = 1 / #a.experts })
    local U, S, V = join{u, along = "column"}, join{s}, join{v, along = "row"}
    local merged = matmul(orthogonal(U):scale_columns(S), orthogonal(V))
    return a.base + a.scale * mean(tau):with(merged)
  end,
}
