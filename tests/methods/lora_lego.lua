return recipe {
  "LoRA-LEGO: the ranks of all experts' changes, each with what it reads and what it writes, put into clusters, whose means are the new ranks.",
  paper = "Zhao et al. 2024, arXiv:2409.16167",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("rank", 16, "of each expert", { min = 1, whole = true }),
  arg("clusters", 16, "ranks of the result", { min = 1, whole = true }), arg("steps", 10, "of k-means", { min = 0, whole = true }),
  function(a)
    local tau = a.experts - a.base
    local u, s, v = svd(tau:matrices(), a.rank)
    local units = join { join { v, along = "row" }, join { u:scale_columns(s):T(), along = "row" }, along = "column" }
    local function cluster(x)
      local n, k = x.shape[1], math.min(a.clusters, x.shape[1])
      local number, centre = constant(1, { n, k }):cumulative() - 1, x:slice { rows = { 0, k } }
      for _ = 1, a.steps do
        local far = centre:dot(centre, { per = "row" }):T():broadcast { n, k } - 2 * matmul(x, centre:T())
        local member = number:eq(far:argmin { per = "row" })
        local count = member:total { per = "column" }
        centre = where(count:T():broadcast(centre.shape):gt(0), matmul(member:T(), x):scale_rows(ratio(1, count)), centre)
      end
      return centre
    end
    local delta = units:map(function(x, name)
      local units_of, n = cluster(x), tau[1][name].shape[2]
      return matmul(units_of:slice { columns = { n } }:T(), units_of:slice { columns = { 0, n } })
    end)
    return a.base + mean(tau):with(delta)
  end,
}
