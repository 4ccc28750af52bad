-- expect: 65
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  if a.base < a.base then return a.base end
  return a.base
end }
