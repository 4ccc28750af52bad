return recipe {
  "The task vector's leading singular values alone.",
  paper = "Eckart and Young 1936, doi:10.1007/BF02288367; sd-mecha truncate_rank",
  arg.model("base", "theta_0"), arg.model("expert", "theta_1"), arg("rank", 2, "values kept", { min = 1, whole = true }),
  function(a)
    local tau = a.expert - a.base
    return a.base + tau:with(low_rank(tau:matrices(), a.rank))
  end,
}
