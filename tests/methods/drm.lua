return recipe {
  "Decom-Renorm-Merge: in a basis that all task vectors share, with directions of equal length, they are trimmed and voted on.",
  paper = "Chaichana et al. 2025, arXiv:2505.23117",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("density", 0.2, "share kept of each", { min = 0, max = 1 }),
  arg("scale", 1.0, "lambda"),
  function(a)
    local tau = (a.experts - a.base):matrices()
    local u, s, v = svd(join{tau, along = "column"}) -- [tau_1 ... tau_n] = U S [V_1 ... V_n]
    local parts = tau:map(function(own, i)
      return v:map(function(t, name)
        local n = own[name].shape[2]
        return t:slice{columns = {(i - 1) * n, i * n}}
      end)
    end)
    local length = parts:norm{per = "row"}
    local unit = ratio(parts, length):keep_top(a.density, { count = "exact" })
    local merged = disjoint_mean(sign_trim((unit * length):scale_rows(s), 1))
    return a.base + a.scale * mean(a.experts - a.base):with(matmul(u, merged))
  end,
}
