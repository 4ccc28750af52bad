-- expect: 65 pack
string.pack("i4", 1)
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }
