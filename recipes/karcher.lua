return recipe {
  "Karcher mean: the direction with the least squared angles to those of all models, at their mean length.",
  paper = "Karcher 1977, doi:10.1002/cpa.3160300502; mergekit karcher",
  arg.models("models", "the models", { min = 1 }),
  arg("steps", 10, "steps at most; it converges within a few", { min = 1, max = 50, whole = true }),
  arg("tol", 1e-5, "a length or an angle below is 0, and a shorter step the last", { min = 0 }),
  -- The mean is a sum of the models, c_1 x_1 / |x_1| + c_2 x_2 / |x_2| + ...: the steps find the c, from the models' inner products alone.
  function(a)
    local length = a.models:as("f64"):norm()                 -- as the inner products are: all are found in one pass
    local counts = length:gt(a.tol)                          -- what has no length has no direction
    local inverse, all = ratio(counts, length), sum(counts):atleast(1)
    local unit = inverse * a.models
    local function of_length_1(c) return ratio(1, sum(c * unit):norm()) * c end
    local first, none_yet = {}, 1                            -- where the directions cancel out it begins with the first one
    for i = 1, #a.models do first[i], none_yet = counts[i] * none_yet, none_yet * (1 - counts[i]) end
    local middle  = counts / all
    local c, open = of_length_1(where(sum(middle * unit):norm():lt(a.tol), list(first), middle)), 1 -- open: 0 once it has converged
    for _ = 1, a.steps do
      local cosine  = unit:dot(sum(c * unit)):clamp(-1, 1)
      local angle   = cosine:acos()
      local turn    = counts * angle:ge(a.tol) * ratio(angle, angle:sin()) / all
      local tangent = turn - sum(turn * cosine) * c
      local n       = sum(tangent * unit):norm()
      open = open * n:ge(a.tol)
      c = where(open, of_length_1(n:cos() * c + ratio(n:sin(), n) * tangent), c)
    end
    return sum(mean(length) * c * inverse * a.models)
  end,
}
