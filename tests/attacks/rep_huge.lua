-- expect: 65
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  string.rep("x", 1e9)
  return a.base
end }
