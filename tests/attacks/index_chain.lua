-- expect: 65 setmetatable
local t = {}
for _ = 1, 1e6 do t = setmetatable({}, { __index = t }) end
local _ = t.x
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }
