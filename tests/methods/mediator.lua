return recipe {
  "Mediator: layers on whose signs the experts disagree much more than on those of others keep the first expert's change, the others have the mean.",
  paper = "Lai et al. 2025, arXiv:2502.04411, without its router of tokens",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t, the one of the task first", { min = 1 }),
  function(a)
    local tau = a.experts - a.base
    local conflict = sum(tau:sign()):abs():lt(#tau):by_layer():mean()
    local stays = conflict:gt(conflict:across("mean") + conflict:across("std"))
    return a.base + where(stays, tau[1], mean(tau))
  end,
}
