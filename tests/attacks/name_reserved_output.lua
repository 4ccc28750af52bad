-- expect: 65 output
return recipe { "A hostile recipe.", arg.model("base", "a model"),
  arg("output", "x", "one of ours"),
  function(a) return a.base end }
