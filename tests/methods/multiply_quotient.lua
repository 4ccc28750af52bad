return recipe {
  "a (b / c)^alpha where a and b lie on both sides of c, by ratio; of negative numbers the real part.",
  paper = "sd-mecha multiply_quotient",
  arg.model("a", "a"), arg.model("b", "b"), arg.model("c", "c"), arg("alpha", 1.0, "strength"),
  function(x)
    local u, v = x.a:abs():log() - x.c:abs():log(), x.b:abs():log() - x.c:abs():log()
    local p = x.alpha * (-ratio(u * v, max { u:abs(), v:abs() } ^ 2)):atleast(0)
    return x.a * (x.b / x.c):abs() ^ p * (math.pi * p * x.b:lt(0):ne(x.c:lt(0))):cos()
  end,
}
