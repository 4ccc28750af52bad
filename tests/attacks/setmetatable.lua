-- expect: 65 setmetatable
setmetatable({}, { __index = function(t, k) return k end })
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }
