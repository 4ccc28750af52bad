-- expect: 65
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  local t = {}
  for i = 1, 1000 do t[i] = i % 7 end
  table.sort(t, function() return true end)
  return a.base
end }
