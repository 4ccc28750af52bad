return recipe {
  "Iso-CTS: the common subspace of the sum, and of each task what lies outside of it, all with one singular value.",
  paper = "Marczak et al. 2025, arXiv:2502.04959",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("common", 0.8, "share of the rank that is common", { min = 0, max = 1 }), arg("scale", 1.0, "alpha"),
  function(a)
    local tau, T = a.experts - a.base, #a.experts
    local function merged(x, each)
      local r = x:rank_max()
      local own = math.floor((1 - a.common) * r / T)
      local k = r - own * T
      local u, s, v = svd(x, k)
      local U, S, V = { u, along = "column" }, { s }, { v }
      for _, t in ipairs(each) do
        if own == 0 then break end
        local p, q, w = svd(t - matmul(u, matmul(u:T(), t)), own)
        U[#U + 1], S[#S + 1], V[#V + 1] = p, q, w
      end
      local mean_value = join(S):mean()
      return mean_value * matmul(orthogonal(join(U)), orthogonal(join(V)))
    end
    return a.base + a.scale * mean(tau):with(sum(tau):matrices():map(function(x, name) return merged(x, tau:map(function(t) return t[name] end)) end))
  end,
}
