-- expect: 65
string.rep = function() return "" end
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }
