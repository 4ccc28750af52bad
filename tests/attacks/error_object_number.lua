-- expect: 65
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  error(nil)
  return a.base
end }
