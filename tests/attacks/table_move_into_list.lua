-- expect: 65 cannot be changed
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  table.move({ 1, 2 }, 1, 2, 1, models { a.base })
  return a.base
end }
