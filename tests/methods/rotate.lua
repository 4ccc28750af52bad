return recipe {
  "a, turned to lie as near to b as a rotation of its inputs can bring it.",
  paper = "Schonemann 1966, doi:10.1007/BF02289451; sd-mecha rotate",
  arg.model("a", "what is turned"), arg.model("b", "towards"), arg("t", 0.0, "then towards b"),
  function(x)
    local a, b = x.a:matrices(), x.b:matrices()
    return lerp(x.a:with(matmul(a, orthogonal(matmul(a:T(), b)))), x.b, x.t)
  end,
}
