-- expect: 65
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  a.base.x = 1
  return a.base
end }
