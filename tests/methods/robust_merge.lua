return recipe {
  "RobustMerge: adapters pruned, their directions scaled up by what was pruned and shared out among the tasks, and their products summed.",
  paper = "Zeng et al. 2025, arXiv:2502.17159",
  arg.model("base", "theta_0"), arg.models("adapters", "their factors, as NAME.factor_A and NAME.factor_B of each NAME.weight", { min = 1 }),
  arg("density", 0.2, "of each factor kept", { min = 0, max = 1 }), arg("scale", 1.0, "lambda, with alpha / r"),
  function(a)
    local function factors(which)
      return a.adapters:map(function(m) return m:only("*.factor_" .. which):rename("*.factor_" .. which, "*.weight") end)
    end
    local A, rows = factors "A", { per = "row" }
    local kept = A:keep_top(a.density, { count = "exact" })
    local s = ratio(A:abs():total(rows), kept:abs():total(rows))
    local delta = sum(matmul(factors "B":keep_top(a.density, { count = "exact" }), ratio(s, sum(s)) * kept))
    return a.base:with(a.base:only(delta) + a.scale * delta)
  end,
}
