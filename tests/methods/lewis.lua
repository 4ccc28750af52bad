return recipe {
  "LEWIS: the further a layer's input moves on the data, the more of its change is kept.",
  paper = "Chopra et al. 2025, arXiv:2503.03874",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("least", 0.3, "density of the layer that moves least"), arg("most", 0.8, "of that which moves most"),
  arg("scale", 0.5, "lambda"), arg.calibration(),
  function(a)
    local before = hidden(a.base, a.data)
    local kept = (a.experts - a.base):map(function(tau, i)
      local moved, after = {}, hidden(a.experts[i], a.data)
      for l = 1, #after do moved[l] = (after[l]:mean{per = "column"} - before[l]:mean{per = "column"}):norm() end
      local low, high = min(moved), max(moved)
      for l = 1, #after do
        local share = a.least + (a.most - a.least) * (moved[l] - low) / (high - low)
        tau = tau:with(tau:only("*.layers." .. l - 1 .. ".*"):keep_top(share))
      end
      return tau
    end)
    return a.base + a.scale * mean(kept)
  end,
}
