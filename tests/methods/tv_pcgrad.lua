return recipe {
  "Gradient surgery on task vectors: what one has against another, in turn, is projected away before they are averaged.",
  paper = "Yu et al. 2020, arXiv:2001.06782",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("scale", 1.0, "lambda"),
  function(a)
    local tau = a.experts - a.base
    local own = tau:map(function(t, i)
      for j = 1, #tau do
        if j ~= i then t = t - ratio(t:dot(tau[j]):atmost(0), tau[j]:dot(tau[j])) * tau[j] end
      end
      return t
    end)
    return a.base + a.scale * mean(own)
  end,
}
