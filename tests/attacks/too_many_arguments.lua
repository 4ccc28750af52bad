-- expect: 65 64
local t = { "A hostile recipe.", arg.model("base", "a model") }
for i = 1, 100 do t[#t + 1] = arg("x" .. i, 1, "one more") end
t[#t + 1] = function(a) return a.base end
return recipe(t)
