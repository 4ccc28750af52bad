-- expect: 65 needs words to choose from
return recipe { "An attack.", arg.model("base", "a model"), arg.words("some", {}, "none"), function(a) return a.base end }
