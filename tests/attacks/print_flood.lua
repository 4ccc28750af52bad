-- expect: 65
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  while true do print("flood") end
  return a.base
end }
