-- expect: 65
return recipe { "A hostile recipe.", arg.model("base", "a model"),
  arg("x", 1/0, "too much"),
  function(a) return a.base end }
