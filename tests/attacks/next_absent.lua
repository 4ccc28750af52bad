-- expect: 65 next
next({})
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }
