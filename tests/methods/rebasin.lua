return recipe {
  "Git re-basin, or optimal transport, of hidden units of MLPs: those of the other are exchanged so that they go with the base's, then averaged.",
  paper = "Ainsworth et al. 2023, arXiv:2209.04836; Singh and Jaggi 2020, arXiv:1910.05653",
  arg.model("base", "what stays"), arg.model("other", "whose units are exchanged"), arg("t", 0.5, "then towards the other"),
  arg.choice("cost", { "matching", "distance" }, "by inner products, or by squared distances of what comes in"),
  arg("up", "*.up.weight", "from inputs to units"), arg("down", "*.down.weight", "from units to outputs"),
  function(a)
    local ups, downs = a.base:only(a.up):names(), a.base:only(a.down):names()
    local changed = {}
    for i, up in ipairs(ups) do
      local x, y, p, q = a.base[up], a.other[up], a.base[downs[i]], a.other[downs[i]]
      local alike = matmul(x, y:T())
      if a.cost == "matching" then alike = alike + matmul(p:T(), q)
      else alike = 2 * alike - matmul(x * 0 + 1, (y * y):T()) end                 -- |x|^2 is the same for all of a row
      local P = assign(-alike)
      changed[up], changed[downs[i]] = matmul(P, y), matmul(q, P:T())
    end
    return lerp(a.base, a.other:with(a.other:map(function(t, name) return changed[name] or t end)), a.t)
  end,
}
