local ties = require "ties"
return recipe {
  "TIES where each task vector keeps its largest elements, as many as hold a share of its squared norm.",
  paper = "Yadav et al. 2023, arXiv:2306.01708 (reset by nf)",
  arg.model("base", "theta_0"), arg.models("experts", "theta_i", { min = 1 }), arg("energy", 0.9, "share of the squared norm", { min = 0, max = 1 }),
  arg("bits", 30, "halvings of the threshold's range", { min = 1, whole = true }), arg("scale", 1.0, "lambda"),
  function(a)
    local tau, whole = a.experts - a.base, { per = "model" }
    local kept = tau:map(function(t)
      local all, low, width = t:square():total(whole), 0, t:peak(whole)
      for _ = 1, a.bits do                                -- the largest threshold above which there is enough
        width = width / 2
        local enough = t:keep(t:abs():ge(low + width)):square():total(whole):ge(a.energy * all)
        low = low + where(enough, width, 0)
      end
      return t:keep(t:abs():ge(low))
    end)
    return ties { base = a.base, experts = a.base + kept, density = 1, scale = a.scale, drawn = "plus" }
  end,
}
