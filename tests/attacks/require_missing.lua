-- expect: 65 nowhere
require "nowhere"
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }
