-- expect: 65 single lines
return recipe { "x\27[31m", arg.model("base", "m"), function(a) return a.base end }
