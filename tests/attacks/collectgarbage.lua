-- expect: 65 collectgarbage
collectgarbage("stop")
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }
