-- expect: 65 cannot be changed
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  table.insert(a, 1)
  return a.base
end }
