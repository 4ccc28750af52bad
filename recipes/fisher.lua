return recipe {
  "Fisher-weighted averaging: every element weighed by how sharply each expert's loss on its own data depends on it.",
  paper = "Matena and Raffel 2022, arXiv:2111.09832",
  arg.models("experts", "theta_i, fine-tunes of one model; --data names one file for each, in their order", { min = 2 }),
  arg.each  ("weight", 1.0, "lambda_i, one number for all experts or one each", { min = 0 }),
  arg       ("floor", 1e-6, "least F_i, so that what no data depends on is averaged", { min = 1e-30 }),
  arg.models("fishers", "in the place of --data what `moonweld stats` has written, one file an expert", { optional = true }),
  arg.calibration(),
  function(a)
    local n, given = #a.experts, math.max(#a.fishers, #a.data)
    assert(given == n, ("one file an expert, by --data or --fishers: %d files, not %d"):format(n, given))
    local F = #a.fishers > 0 and a.fishers or a.experts:map(function(m, i) return fisher(m, a.data[i]) end)
    F = a.weight * F:atleast(a.floor)
    return sum(F * a.experts) / sum(F)
  end,
}
