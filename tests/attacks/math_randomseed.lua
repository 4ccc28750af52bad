-- expect: 65 randomseed
math.randomseed(1)
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }
