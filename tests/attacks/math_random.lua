-- expect: 65 random
math.random()
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }
