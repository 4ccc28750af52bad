-- expect: 65 rawset
rawset(string, "rep", nil)
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }
