-- expect: 65
return recipe { "A hostile recipe.", arg.model("base", "a model"),
  arg("x", 1, "red \27[31m text"),
  function(a) return a.base end }
