-- expect: 65 returns an architecture, not a recipe{...}
return architecture { "Not a recipe.", function(w, batch) return w("x") end }
