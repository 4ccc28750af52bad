return recipe {
  "Geometric median: the model with the least sum of distances to all, by Weiszfeld's iteration; a few bad models do not move it far.",
  paper = "Weiszfeld 1937, doi:10.1007/s10479-008-0352-z",
  arg.models("models", "the models", { min = 1 }),
  arg("steps", 30, "iterations", { min = 1, max = 100, whole = true }),
  arg("eps", 1e-6, "the least distance that counts", { min = 1e-30 }),
  function(a)
    local m = mean(a.models)
    for _ = 1, a.steps do
      local w = 1 / (a.models - m):norm():atleast(a.eps)
      m = sum(w / sum(w) * a.models)
    end
    return m
  end,
}
