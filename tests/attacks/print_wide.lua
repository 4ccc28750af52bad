-- expect: 65
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  for _ = 1, 10 do print(string.rep("x", 1e5)) end
  return a.base
end }
