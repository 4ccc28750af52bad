return recipe {
  "ChipAlign: geodesic interpolation of two models' directions, with the geometric mean of their lengths.",
  paper = "Deng et al. 2024, arXiv:2412.19819",
  arg.model("chip", "the model of a domain"), arg.model("instruct", "the model that follows instructions"), arg("t", 0.6, "lambda, of the first", { min = 0, max = 1 }),
  function(a)
    local c, i = a.chip:norm(), a.instruct:norm()
    local x, y = a.chip / c, a.instruct / i
    local angle = dot(x, y):clamp(-1, 1):acos()
    local way = where(angle:gt(1e-4), ((a.t * angle):sin() * x + ((1 - a.t) * angle):sin() * y) / angle:sin(), a.t * x + (1 - a.t) * y)
    return c ^ a.t * i ^ (1 - a.t) * way
  end,
}
