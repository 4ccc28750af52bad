-- expect: 65 os
os.execute("touch /tmp/moonweld_was_here")
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }
