return recipe {
  "CAT merging: from each change the output directions are removed that disturb other tasks more than they serve their own.",
  paper = "Sun et al. 2025, arXiv:2505.06977",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t, as many as files of data", { min = 1 }), arg("remove", 1, "directions a layer", { min = 1, whole = true }),
  arg("balance", 1.0, "lambda of the own task"),
  arg("scale", 0.3, "weight of the merged task vector"), arg.calibration(),
  function(a)
    local tau = a.experts - a.base
    local G = a.experts:map(function(m, i) return gram(m, a.data[i]) end)
    local kept = tau:map(function(t, k)
      local x = t:only(G[k])
      local others = sum(G) - (1 + a.balance) * G[k]
      local _, e = eigh(matmul(matmul(x, others), x:T()))                -- ascending: the last columns disturb most
      local B = e:map(function(y) return y:slice { columns = { -a.remove, y.shape[2] } } end)
      return t:with(x - matmul(B, matmul(B:T(), x)))
    end)
    return a.base + a.scale * sum(kept)
  end,
}
