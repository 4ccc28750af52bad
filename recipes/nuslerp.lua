return recipe {
  "Spherical interpolation of two models, or of their task vectors where a base is given: of whole tensors, rows or columns.",
  paper = "Shoemake 1985, doi:10.1145/325334.325242; mergekit nuslerp",
  arg.models("models", "two models; the first is the end at t = 0", { min = 2, max = 2 }),
  arg.model ("base",   "their ancestor: its task vectors are interpolated and added to it", { optional = true }),
  arg.each  ("weight", 1.0, "t is w_2 / (w_1 + w_2)"),
  arg.choice("per",    { "tensor", "row", "column" }, "what is one vector"),
  function(a)
    local sum = a.weight[1] + a.weight[2]
    local t   = where(max { max { sum, -sum } - 1e-6, 0 }, ratio(a.weight[2], sum), 0.5)
    local function slerp(x, y)
      local axis   = #x.shape > 1 and { per = a.per } or nil     -- a tensor of one dimension is one vector
      local cosine = (x:dot(y, axis) / (x:norm(axis):atleast(1e-7) * y:norm(axis):atleast(1e-7))):clamp(-1, 1)
      local angle  = cosine:acos()
      local line   = (1 - cosine * cosine):le(1e-16)             -- parallel: the arc is a line
      local wx     = where(line, 1 - t, ratio(((1 - t) * angle):sin(), angle:sin()))
      local wy     = where(line, t,     ratio((t * angle):sin(),       angle:sin()))
      return wx * x + wy * y
    end
    local x, y = a.models[1], a.models[2]
    if not a.base then return x:map(function(tensor, name) return slerp(tensor, y[name]) end) end
    return a.base + (x - a.base):map(function(tensor, name) return slerp(tensor, y[name] - a.base[name]) end)
  end,
}
