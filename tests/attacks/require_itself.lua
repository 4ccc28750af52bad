-- expect: 65
require "require_itself"
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }
