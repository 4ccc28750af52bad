-- expect: 65 unpack
("abcd"):unpack("i4")
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }
