-- expect: 65
return recipe { "A hostile recipe.", arg.model("base", "a model"),
  arg("x", 0/0, "not a number"),
  function(a) return a.base end }
