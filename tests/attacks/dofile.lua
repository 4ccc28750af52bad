-- expect: 65 dofile
dofile("/etc/passwd")
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }
