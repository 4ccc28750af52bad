-- expect: 65 at most 64
local p = { "x", arg.model("base", "m") } for i = 1, 70 do p[#p + 1] = arg("x" .. i, 1, "d") end p[#p + 1] = function(a) return a.base end return recipe(p)
