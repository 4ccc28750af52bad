-- expect: 65
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  table.move({}, 1, 1e12, 2)
  return a.base
end }
