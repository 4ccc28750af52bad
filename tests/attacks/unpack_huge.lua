-- expect: 65
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  table.unpack({}, 1, 1e8)
  return a.base
end }
