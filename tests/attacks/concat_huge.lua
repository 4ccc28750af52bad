-- expect: 65
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  local t = {}
  for i = 1, 1e6 do t[i] = "0123456789" end
  local s = table.concat(t)
  return a.base
end }
