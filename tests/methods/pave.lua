return recipe {
  "PAVE: task vectors purified: of a change as its own data's inputs see it the leading singular directions are kept.",
  paper = "An et al. 2025, arXiv:2510.14697",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("rank", 8, "directions kept", { min = 1, whole = true }),
  arg("damping", 1e-2, "of the mean diagonal, so that inputs can be inverted"), arg("scale", 0.5, "lambda"), arg.calibration(),
  function(a)
    local purified = (a.experts - a.base):map(function(tau, i)
      local G = gram(a.experts[i], a.data[i])
      local C = G:map(function(g)
        local n = g.shape[1]
        return g + a.damping / n * g:diagonal():total() * constant(1, {n, n}):diagonal()
      end)
      return tau:with(matmul(low_rank(matmul(tau:only(C), C), a.rank), pinv(C)))
    end)
    return a.base + a.scale * sum(purified)
  end,
}
