return recipe {
  "Krum: the one model that lies nearest to its neighbours.",
  paper = "Blanchard et al. 2017, arXiv:1703.02757",
  arg.models("models", "the models", { min = 3 }), arg("byzantine", 0, "how many may be bad", { min = 0, whole = true }),
  function(a)
    local scores = {}
    for i, x in ipairs(a.models) do
      local distances = {}
      for j, y in ipairs(a.models) do
        if i ~= j then distances[#distances + 1] = (x - y):square():total { per = "model" } end
      end
      local rising, near = sort(distances), {}
      for k = 1, #a.models - a.byzantine - 2 do near[k] = rising[k] end
      scores[i] = sum(near)
    end
    return choose(a.models, argmin(scores))
  end,
}
