return recipe {
  "EMR: elect a unified task vector, the largest change of the elected sign; mask and rescale it for one task.",
  paper = "Huang et al. 2024, arXiv:2405.17461",
  arg.model ("base",    "theta_0, the model the experts were tuned from"),
  arg.models("experts", "theta_t, fine-tunes of base", { min = 1 }),
  arg("task", 0, "1 ... N: whose mask and rescaler; 0: the unified vector alone", { min = 0, whole = true }),
  function(a)
    local tau     = a.experts - a.base
    local elected = where(sum(tau):gt(0), 1, -1)
    local agrees  = (tau * elected):gt(0)
    local unified = max(tau:abs():keep(agrees)) * elected
    if a.task == 0 then return a.base + unified end
    local own, masked = choose(tau, a.task), unified:keep(choose(agrees, a.task))
    return a.base + ratio(own:abs():total { per = "model" }, masked:abs():total { per = "model" }) * masked
  end,
}
