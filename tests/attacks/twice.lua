-- expect: 65 declared twice
return recipe { "x", arg.model("base", "m"), arg.model("base", "m"), function(a) return a.base end }
