-- expect: 65 entry 1 of classes is not
local a = architecture { "A class that is none.", classes = { { "*", "everything" } }, function(w, batch) return w("x") end }
return recipe { "An attack.", arg.model("base", "a model"), function(a) return a.base end }
