return recipe {
  "Adds to a what of b's task vector is perpendicular to a's.",
  paper = "sd-mecha add_perpendicular",
  arg.model("a", "a model"), arg.model("b", "another"), arg.model("c", "their ancestor"), arg("alpha", 1.0, "strength"),
  function(x)
    local u, v = x.a - x.c, x.b - x.c
    return x.a + x.alpha * (v - ratio(u:dot(v), u:dot(u)) * u)
  end,
}
