return recipe {
  "Singular value calibration: of the sum of changes each output direction is scaled back by how much the tasks add up along it.",
  paper = "Li et al. 2026, arXiv:2602.05536",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("alpha", 1.0, "the least coefficient; 1: only scaled back", { min = 1e-9 }),
  function(a)
    local tau = a.experts - a.base
    local x = sum(tau):matrices()
    local u = svd(x)
    local along = matmul(u:T(), x)                                         -- what the sum does along each direction, as rows
    local s = tau:map(function(t)
      local own = matmul(u:T(), t:matrices())
      return ratio(along:dot(own, { per = "row" }), own:dot(own, { per = "row" })):atleast(a.alpha)
    end)
    return a.base + sum(tau):with(matmul(u, along * (#tau / sum(s))))
  end,
}
