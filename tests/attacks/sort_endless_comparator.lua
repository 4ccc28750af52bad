-- expect: 65
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  local t = {}
  for i = 1, 1e5 do t[i] = i end
  table.sort(t, function() while true do end end)
  return a.base
end }
