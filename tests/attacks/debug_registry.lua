-- expect: 65 debug
debug.getregistry()
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }
