-- expect: 65 begins with a sentence
return recipe { arg.model("base", "m"), function(a) return a.base end }
