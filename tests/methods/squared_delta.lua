return recipe {
  "Each element by the squares of its changes: a Fisher diagonal without data.",
  paper = "Matena and Raffel 2022, arXiv:2111.09832",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }),
  function(a)
    local w = (a.experts - a.base):square()
    return where(sum(w):gt(0), ratio(sum(w * a.experts), sum(w)), a.base)
  end,
}
