-- expect: 65
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  for i = 1, 1e12 do select(i, 1) end
  return a.base
end }
