return recipe {
  "Spectrum: matrices whose change has more signal to noise than most get it, the others stay the base's.",
  paper = "Hartford et al. 2024, arXiv:2406.06623",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("scale", 1.0, "lambda"),
  function(a)
    local tau = mean(a.experts - a.base)
    local x = tau:matrices()
    local _, s = svd(x)
    -- Marchenko and Pastur's edge of noise, whose deviation the middle half of the values tells.
    local edge = s:map(function(values, name)
      local shape = x[name].shape
      local aspect = math.min(shape[1], shape[2]) / math.max(shape[1], shape[2])
      return (values:quantile(0.75) - values:quantile(0.25)) / 1.349 * (1 + math.sqrt(aspect))
    end)
    local signal = where(s:gt(edge), s, 0):total()
    local snr = ratio(signal, s:total() - signal)
    return a.base + a.scale * tau:with(x * snr:ge(snr:across("median")))
  end,
}
