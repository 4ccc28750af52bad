-- expect: 65
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  table.insert({}, 1e15, 1)
  return a.base
end }
