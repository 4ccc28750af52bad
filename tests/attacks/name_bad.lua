-- expect: 65
return recipe { "A hostile recipe.", arg.model("base", "a model"),
  arg("--force", 1, "not a name"),
  function(a) return a.base end }
