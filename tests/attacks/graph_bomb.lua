-- expect: 65
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  local x = a.base
  for i = 1, 1e9 do x = x * a.base + i end
  return a.base
end }
