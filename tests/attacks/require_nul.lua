-- expect: 65
require "ties\0x"
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }
