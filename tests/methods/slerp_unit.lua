return recipe {
  "Slerp of the directions, at the length between the two lengths.",
  paper = "Shoemake 1985, doi:10.1145/325165.325242; sd-mecha slerp",
  arg.model("a", "t = 0"), arg.model("b", "t = 1"), arg("t", 0.5, "how far"),
  function(x)
    local angle = x.a:cosine(x.b):clamp(-1, 1):acos()
    local arc = ((1 - x.t) * angle):sin() / x.a:norm() * x.a + (x.t * angle):sin() / x.b:norm() * x.b
    return lerp(x.a:norm(), x.b:norm(), x.t) / angle:sin() * arc
  end,
}
