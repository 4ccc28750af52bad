return recipe {
  "Karcher mean: the direction with the least squared angles to those of all models, at their mean length.",
  paper = "Karcher 1977, doi:10.1002/cpa.3160300502; mergekit karcher",
  arg.models("models", "the models", { min = 1 }),
  arg("steps", 10, "steps at most; it converges within a few", { min = 1, max = 50, whole = true }),
  arg("tol", 1e-5, "a length or an angle below is 0, and a shorter step the last", { min = 0 }),
  function(a)
    local length = a.models:norm()
    local counts = length:gt(a.tol)                          -- what has no length has no direction
    local unit   = ratio(counts, length) * a.models
    local u      = sum(unit) / sum(counts):atleast(1)
    u = ratio(1, u:norm()) * u
    local open = 1                                           -- 0 once it has converged
    for _ = 1, a.steps do
      local cosine  = unit:dot(u):clamp(-1, 1)
      local angle   = cosine:acos()
      local turn    = counts * angle:ge(a.tol) * ratio(angle, angle:sin())
      local tangent = sum(turn * (unit - cosine * u)) / sum(counts):atleast(1)
      local n       = tangent:norm()
      open = open * n:ge(a.tol)
      local new = n:cos() * u + ratio(n:sin(), n) * tangent
      u = where(open, ratio(1, new:norm()) * new, u)
    end
    return mean(length) * u
  end,
}
