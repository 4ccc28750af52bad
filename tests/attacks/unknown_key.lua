-- expect: 65 papr
return recipe { "A hostile recipe.", papr = "x", arg.model("base", "a model"), function(a) return a.base end }
