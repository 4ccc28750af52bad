return recipe {
  "DC-Merge: leading singular directions of all changes, made orthogonal, span a common space; there signs are elected, each task in its own block.",
  paper = "Zhang et al. 2026, arXiv:2603.06242 (of full fine-tunes)",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("density", 0.1, "share kept in the common space", { min = 0, max = 1 }), arg("scale", 1.0, "alpha"),
  function(a)
    local tau, T = a.experts - a.base, #a.experts
    local u, s, v = svd(tau:matrices(), { share = 1 / T })
    local U, V = orthogonal(join { u, along = "column" }), orthogonal(join { v, along = "row" })
    local inside = u:map(function(p, i) return matmul(matmul(U:T(), p:scale_columns(s[i])), matmul(v[i], V:T())) end)
    local merged = disjoint_mean(sign_trim(inside, a.density, { drawn = "plus" })):map(function(m)
      local r, blocks = m.shape[1] // T, {}
      for t = 1, T do                                                      -- the blocks of the diagonal alone
        local own = m:slice { rows = { (t - 1) * r, t * r }, columns = { (t - 1) * r, t * r } }
        local line = { along = "column" }
        for k = 1, T do line[k] = k == t and own or own * 0 end
        blocks[t] = join(line)
      end
      return join(blocks)
    end)
    return a.base + a.scale * mean(tau):with(matmul(matmul(U, merged), V))
  end,
}
