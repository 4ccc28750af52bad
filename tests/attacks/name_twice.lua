-- expect: 65 x
return recipe { "A hostile recipe.", arg.model("base", "a model"),
  arg("x", 1, "once"), arg("x", 2, "twice"),
  function(a) return a.base end }
