local emr = require "emr"
return recipe {
  "All models of EMR: the unified one, and masked and rescaled for each task, as results task_1, task_2 ...",
  paper = "Huang et al. 2024, arXiv:2405.17461",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }),
  function(a)
    local also = {}
    for t = 1, #a.experts do also["task_" .. t] = emr { base = a.base, experts = a.experts, task = t } end
    return emr { base = a.base, experts = a.experts, task = 0 }, also
  end,
}
