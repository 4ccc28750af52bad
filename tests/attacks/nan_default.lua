-- expect: 65 not a finite
return recipe { "x", arg("t", 0/0, "s"), arg.model("base", "m"), function(a) return a.base end }
