-- expect: 65 warn
warn("@on")
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }
