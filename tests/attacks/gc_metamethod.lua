-- expect: 65 setmetatable
setmetatable({}, { __gc = function() while true do end end })
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }
