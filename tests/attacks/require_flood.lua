-- expect: 65
for i = 1, 1e6 do require("nowhere" .. i) end
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }
