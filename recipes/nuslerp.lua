return recipe {
  "Spherical interpolation of two models, or of their task vectors where a base is given: of whole tensors or of rows.",
  paper = "Shoemake 1985, doi:10.1145/325334.325242; mergekit nuslerp",
  arg.models("models", "two models; the first is the end at t = 0", { min = 2, max = 2 }),
  arg.model ("base",   "their ancestor: its task vectors are interpolated and added to it", { optional = true }),
  arg.each  ("weight", 1.0, "t is w_2 / (w_1 + w_2)"),
  arg.choice("per",    { "tensor", "row" }, "what is one vector"),
  function(a)
    local x, y, axis = a.models[1], a.models[2], { per = a.per }
    if a.base then x, y = x - a.base, y - a.base end
    local sum    = a.weight[1] + a.weight[2]
    local t      = where((sum + 0 * x:norm()):abs():lt(1e-6), 0.5, ratio(a.weight[2], sum))
    local cosine = (x:dot(y, axis) / (x:norm(axis):atleast(1e-7) * y:norm(axis):atleast(1e-7))):clamp(-1, 1)
    local angle  = cosine:acos()
    local line   = (1 - cosine * cosine):le(1e-16)           -- parallel: the arc is a line
    local wx     = where(line, 1 - t, ratio(((1 - t) * angle):sin(), angle:sin()))
    local wy     = where(line, t,     ratio((t * angle):sin(),       angle:sin()))
    local merged = wx * x + wy * y
    return a.base and a.base + merged or merged
  end,
}
