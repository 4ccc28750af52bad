return recipe {
  "Model stock: the mean of fine-tunes, drawn towards their base the more, the less their task vectors agree.",
  paper = "Jang et al. 2024, arXiv:2403.19522",
  arg.model ("base",    "theta_0, the model the experts were tuned from"),
  arg.models("experts", "theta_t, fine-tunes of base", { min = 2 }),
  arg.choice("per",     { "tensor", "row" }, "what has an angle of its own"),
  function(a)
    local tau, n, cosines, axis = a.experts - a.base, #a.experts, {}, { per = a.per }
    local length = tau:norm(axis)
    for i = 1, n do
      for j = i + 1, n do cosines[#cosines + 1] = (tau[i]:dot(tau[j], axis) / (length[i] * length[j]):atleast(1e-6)):clamp(-1, 1) end
    end
    local c       = mean(cosines)
    local divisor = 1 + (n - 1) * c
    local t       = where(divisor:abs():lt(1e-6), 0, ratio(n * c, divisor))
    return a.base + t * mean(tau)
  end,
}
