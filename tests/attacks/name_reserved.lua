-- expect: 65 seed
return recipe { "A hostile recipe.", arg.model("base", "a model"),
  arg("seed", 1, "one of ours"),
  function(a) return a.base end }
