-- expect: 65 load
load("return 1")()
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }
