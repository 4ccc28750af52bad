return recipe {
  "Spherical interpolation, tensor by tensor: along the arc between a and b.",
  paper = "Shoemake 1985, doi:10.1145/325334.325242",
  arg.model("a", "the end at t = 0"),
  arg.model("b", "the end at t = 1"),
  arg("t", 0.5, "how far along the arc; a list such as 0,0.5,1 is a gradient over the layers"),
  function(a)
    local cosine  = a.a:cosine(a.b):clamp(-1, 1)
    local angle   = cosine:acos()
    local flat    = cosine:abs():gt(0.9995)                 -- nearly parallel: the arc is a line
    local wa      = where(flat, 1 - a.t, ratio(((1 - a.t) * angle):sin(), angle:sin()))
    local wb      = where(flat, a.t,     ratio((a.t * angle):sin(),       angle:sin()))
    return wa * a.a + wb * a.b
  end,
}
