-- expect: 65
require "linked"
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }
