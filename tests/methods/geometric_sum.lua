return recipe {
  "a^(1 - t) b^t, element by element; of negative numbers the real part of the principal power.",
  paper = "sd-mecha geometric_sum",
  arg.model("a", "t = 0"), arg.model("b", "t = 1"), arg("t", 0.5, "how far"),
  function(x)
    local turns = (1 - x.t) * x.a:lt(0) + x.t * x.b:lt(0)
    return x.a:abs() ^ (1 - x.t) * x.b:abs() ^ x.t * (math.pi * turns):cos()
  end,
}
