return recipe {
  "RegMean: of each linear layer the weights that are nearest to every expert's on its own inputs.",
  paper = "Jin et al. 2023, arXiv:2212.09849",
  arg.models("experts", "theta_t, as many as files of data", { min = 1 }), arg("alpha", 0.9, "what is left of Gram matrices beside their diagonals", { min = 0, max = 1 }), arg.calibration(),
  function(a)
    local G = a.experts:map(function(m, i)
      local g = gram(m, a.data[i])
      return a.alpha * g + (1 - a.alpha) * g:diagonal()
    end)
    local W = solve(sum(G), sum(G:map(function(g, i) return matmul(g, a.experts[i]:only(g):T()) end))):T()
    return mean(a.experts):with(W)
  end,
}
