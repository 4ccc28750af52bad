return recipe {
  "LOT merging: the change that drifts least from every task's own features, layer by layer, in closed form.",
  paper = "Sun et al. 2025, arXiv:2505.23859",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t, as many as files of data", { min = 1 }), arg("scale", 1.0, "lambda"), arg.calibration(),
  function(a)
    local tau = a.experts - a.base
    local G = a.experts:map(function(m, i) return gram(m, a.data[i]) end)
    local merged = matmul(pinv(sum(G)), sum(G:map(function(g, i) return matmul(g, tau[i]:only(g):T()) end))):T()
    return a.base + a.scale * mean(tau):with(merged)
  end,
}
