return recipe {
  "Linear interpolation: (1 - t) * a + t * b.",
  arg.model("a", "the end at t = 0"),
  arg.model("b", "the end at t = 1"),
  arg("t", 0.5, "how far from a to b; a list such as 0,0.5,1 is a gradient over the layers"),
  function(a) return lerp(a.a, a.b, a.t) end,
}
