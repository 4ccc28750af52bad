-- expect: 65
return recipe { "A hostile recipe.", arg.model("base", "a model"),
  arg("x", 3, "outside of its limits", { min = 0, max = 1 }),
  function(a) return a.base end }
