return recipe {
  "DoP: models join one after the other, each by descent that keeps both what is merged and what is new in their own singular spaces.",
  paper = "Qiu et al. 2025, NeurIPS, as FusionBench has it",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t, in their order", { min = 1 }), arg("alpha", 0.8, "weight of what is merged", { min = 0, max = 1 }),
  arg("steps", 200, "of Adam", { min = 0, whole = true }), arg("rate", 1e-4, "their length"),
  function(a)
    local merged = a.experts[1]
    for i = 2, #a.experts do
      local both = models{ merged, a.experts[i] }
      local W = both:matrices()
      local u, s, v = svd(W - a.base:matrices())
      local function off(x, k) -- |S U' d|^2 + |d V S|^2
        local d = x - W[k]
        return matmul(u[k]:scale_columns(s[k]):T(), d):square():total() + matmul(d, v[k]:scale_rows(s[k]):T()):square():total()
      end
      merged = mean(both):with(minimise{ start = mean(W), steps = a.steps, rate = a.rate, loss = function(x) return a.alpha * off(x, 1) + (1 - a.alpha) * off(x, 2) end })
    end
    return merged
  end,
}
