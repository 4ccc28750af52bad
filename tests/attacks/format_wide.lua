-- expect: 65
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  string.format("%999999999d", 1)
  return a.base
end }
