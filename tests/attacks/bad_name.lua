-- expect: 65 small letters
return recipe { "x", arg("A b", 1, "s"), arg.model("base", "m"), function(a) return a.base end }
