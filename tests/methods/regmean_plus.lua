return recipe {
  "RegMean++: one layer of RegMean whose inputs come through the layers before as they have been merged; run layer after layer.",
  paper = "Nguyen et al. 2025, arXiv:2508.03121",
  arg.model("merged", "the layers before `layer` are merged in it"), arg.models("experts", "theta_i, as many as files of data", { min = 1 }),
  arg("layer", 0, "which one is merged", { min = 0, whole = true }), arg("alpha", 0.9, "factor of what is off the diagonal", { min = 0, max = 1 }), arg.calibration(),
  function(a)
    local here = "*layers." .. a.layer .. ".*"
    local G = a.experts:map(function(e, i)
      for l = 0, a.layer - 1 do e = e:with(a.merged:only("*layers." .. l .. ".*")) end
      local g = gram(e, a.data[i]):only(here)
      return a.alpha * g + (1 - a.alpha) * g:diagonal()
    end)
    local W = a.experts:map(function(e) return e:only(G[1]) end)
    return a.merged:with(mean(a.experts):only(here)):with(solve(sum(G), sum(matmul(G, W:T()))):T())
  end,
}
