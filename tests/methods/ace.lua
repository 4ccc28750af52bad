return recipe {
  "ACE-Merging: what each task's inputs are like is told from its change itself; where tasks are unlike, the leading singular values are raised to one.",
  paper = "Xu et al. 2026, arXiv:2603.02945 (as its code has it)",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("eps", 1e-2, "regularisation"), arg("tau", 0.3, "above this tasks are unlike"),
  arg("share", 0.3, "of the singular values that is refined", { min = 0, max = 1 }), arg("scale", 1.0, "weight of the merged change"),
  function(a)
    local tau = a.experts - a.base
    local x = tau:matrices()
    local energy = (x:norm() ^ 2):log()
    local unlike = ratio(var(energy), mean(energy) ^ 2):gt(a.tau)
    local middle = x:mean { per = "column" }
    local centred = x - middle
    local C = centred:map(function(t)
      local g = matmul(t:T(), t)
      local trace = where(unlike, g:diagonal():total(), 1)
      return g / trace + a.eps / trace * (g * 0 + 1):diagonal()
    end)
    local D = sum(C) + a.eps * (sum(C) * 0 + 1):diagonal()
    local N = sum(C:map(function(c, i) return matmul(centred[i], c) end))
    local W = solve(D, N:T()):T() + mean(middle)                              -- N D^-1, D symmetric
    local refined = W:map(function(w, name)
      local k = math.floor(a.share * w:rank_max())
      if k == 0 then return w end
      local u, s, v = svd(w, k)
      return w + unlike[name] * s:mean() * matmul(u, v)
    end)
    return a.base + a.scale * mean(tau):with(refined)
  end,
}
