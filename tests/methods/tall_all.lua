local tall = require "tall"
return recipe {
  "All models of TALL masks, and the masks themselves: the merged model, results task_1 ... and mask_1 ...",
  paper = "Wang et al. 2024, arXiv:2405.07813",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("lambda", 0.4, "strictness"), arg("scale", 0.3, "of the merged model"),
  function(a)
    local tau, also = a.experts - a.base, {}
    for t = 1, #tau do
      also["task_" .. t] = tall { base = a.base, experts = a.experts, task = t, lambda = a.lambda }
      also["mask_" .. t] = tau[t]:abs():ge(a.lambda * (sum(tau) - tau[t]):abs()):unweighed()
    end
    return a.base + a.scale * sum(tau), also
  end,
}
