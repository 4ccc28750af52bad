-- expect: 65
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  error(string.rep("x", 1e6))
  return a.base
end }
