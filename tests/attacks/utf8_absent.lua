-- expect: 65 utf8
utf8.char(65)
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }
