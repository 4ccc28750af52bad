-- expect: 65
math.pi = 3
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }
