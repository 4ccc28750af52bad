-- expect: 65
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  for k in pairs({ [function() end] = 1 }) do print(k) end
  return a.base
end }
