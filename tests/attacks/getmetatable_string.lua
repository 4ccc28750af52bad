-- expect: 65 getmetatable
getmetatable("").__index = {}
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }
