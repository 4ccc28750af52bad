-- expect: 65 table.sort changes a table
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  table.sort(arg)
  return a.base
end }
