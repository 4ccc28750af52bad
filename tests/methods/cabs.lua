return recipe {
  "CABS: each task vector keeps n of every m neighbours, among those that no task vector before it has kept.",
  paper = "Yang et al. 2025, arXiv:2503.01874",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t, the most important first", { min = 1 }),
  arg("n", 1, "so many", { min = 1, whole = true }), arg("m", 4, "of so many", { min = 1, whole = true }), arg.each("weight", 1.0, "w_t"),
  function(a)
    local taken, merged = 0, 0
    for i, tau in ipairs(a.experts - a.base) do
      local kept = where(taken, 0, tau):keep_top(a.n, { of = a.m })
      taken, merged = kept:ne(0) | taken, merged + a.weight[i] * kept
    end
    return a.base + merged
  end,
}
