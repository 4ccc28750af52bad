-- expect: 65 pcall
pcall(error, "caught")
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }
