-- expect: 65 option of every merge
return recipe { "x", arg("seed", 1, "s"), arg.model("base", "m"), function(a) return a.base end }
