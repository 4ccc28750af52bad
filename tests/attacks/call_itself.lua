-- expect: 65 setmetatable
local t = setmetatable({}, {})
t.__call = t
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }
