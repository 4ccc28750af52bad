-- expect: 65
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  string.rep("x", math.maxinteger)
  return a.base
end }
