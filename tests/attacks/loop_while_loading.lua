-- expect: 65 too long
while true do end
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }
