-- expect: 65 cannot be changed
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  table.remove(models { a.base })
  return a.base
end }
