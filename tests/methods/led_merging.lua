return recipe {
  "LED-Merging: of each task vector the elements stay that matter to the base and to the expert alike and to no other expert.",
  paper = "Ma et al. 2025, arXiv:2502.16770",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t, as many as files of data", { min = 1 }), arg("density", 0.1, "r, share that is located in each", { min = 0, max = 1 }),
  arg("scale", 1.0, "lambda"), arg.calibration(),
  function(a)
    local function located(m, data) -- SNIP's score: |weight times gradient of the loss|
      local g = gradient(function(batch) return cross_entropy(logits(m, batch), batch) end, m, data)
      return (m * g):keep_top(a.density, { count = "exact" }):ne(0)
    end
    local elected = a.experts:map(function(m, i) return located(a.base, a.data[i]) & located(m, a.data[i]) end)
    local alone = sum(elected):eq(1)
    return a.base + a.scale * sum((elected & alone) * (a.experts - a.base))
  end,
}
