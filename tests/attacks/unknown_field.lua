-- expect: 65 has no field 'papr'
return recipe { "x", papr = "y", arg.model("base", "m"), function(a) return a.base end }
