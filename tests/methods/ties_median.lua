return recipe {
  "TIES with the geometric median of what survives.",
  paper = "Yadav et al. 2023, arXiv:2306.01708; sd-mecha ties_sum_extended",
  arg.model("base", "theta_0"), arg.models("experts", "theta_i", { min = 1 }), arg("k", 0.2, "share kept", { min = 0, max = 1 }),
  arg("steps", 30, "iterations", { min = 1, max = 100, whole = true }),
  function(a)
    local tau  = (a.experts - a.base):keep_top(a.k)
    local kept = tau:keep(tau:sign():eq(sum(tau:sign()):sign()))
    local m = mean(kept)
    for _ = 1, a.steps do
      local w = 1 / (kept - m):norm():atleast(1e-6)
      m = sum(w * kept) / sum(w)
    end
    return a.base + m
  end,
}
