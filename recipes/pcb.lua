return recipe {
  "PCB: weigh every element by how it competes within its task and with other tasks, and drop the weakest.",
  paper = "Du et al. 2024, arXiv:2410.02396",
  arg.model ("base",    "theta_0, the model the experts were tuned from"),
  arg.models("experts", "theta_t, fine-tunes of base", { min = 2 }),
  arg("ratio", 0.1, "share of each task vector kept", { min = 0, max = 1 }),
  arg("scale", 1.0, "lambda, weight of the merged task vector"),
  function(a)
    local all = { per = "model" }
    local function unit(x) return (x - x:min(all)) / (x:max(all) - x:min(all)) end
    local tau   = a.experts - a.base
    local beta  = (#tau * unit(tau:abs()):square()):exp() * (tau * sum(tau)):tanh()
    local score = unit(beta:atleast(beta:quantile(1 - a.ratio, all)))
    return a.base + a.scale * sum(tau * score) / sum(score):atleast(1e-12)
  end,
}
