-- expect: 65 dump
string.dump(function() end)
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }
