return recipe {
  "OTA merging: optimizers' second moments are curvatures: what they say matters most of each change is kept, and weighed by their roots.",
  paper = "Mahdavinia and Mahdavi 2025, arXiv:2509.11167",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg.models("moments", "v_t, Adam's second moments", { min = 1 }),
  arg("density", 0.4, "share of each tensor kept", { min = 0, max = 1 }), arg("epsilon", 1e-8, "beside the roots"),
  function(a)
    local tau = a.experts - a.base
    local root = a.moments:sqrt() + a.epsilon
    local kept = tau:keep((tau:square() * a.moments):keep_top(a.density, { count = "exact" }):ne(0))
    return a.base + sum(root * kept) / sum(root)
  end,
}
