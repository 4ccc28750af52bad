return recipe {
  "TIES on the experts' changes in a common basis of singular vectors: for LoRA experts, whose own bases disagree.",
  paper = "Stoica et al. 2024, arXiv:2410.19735",
  arg.model ("base",    "theta_0, the model the experts were tuned from"),
  arg.models("experts", "theta_t, fine-tunes of base", { min = 1 }),
  arg("density", 0.2, "share of each expert's V_t kept, of each tensor", { min = 0, max = 1 }),
  arg.each("weight", 1.0, "w_t, one number for all experts or one each"),
  arg("scale",   1.0, "lambda, weight of the merged task vector"),
  function(a)
    local tau, count = a.experts - a.base, #a.experts
    local u, s, v = svd(join{tau:matrices(), along = "column"})
    local own = a.experts:map(function(_, i)
      return v:map(function(t)
        local n = t.shape[#t.shape] // count
        return t:slice{columns = {(i - 1) * n, i * n}}
      end)
    end)
    local merged = disjoint_mean(sign_trim(own, a.density, { drawn = "plus" }), a.weight)
    return a.base + a.scale * (sum(a.weight * tau) / sum(a.weight)):with(matmul(u:scale_columns(s), merged))
  end,
}
