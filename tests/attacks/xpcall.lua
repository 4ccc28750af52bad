-- expect: 65 xpcall
xpcall(error, print)
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }
