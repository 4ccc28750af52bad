-- expect: 65 io
io.open("/etc/passwd")
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }
