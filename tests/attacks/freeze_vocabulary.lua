-- expect: 65
arg.model = nil
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }
