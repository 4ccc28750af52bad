-- expect: 65 too long
return recipe { "attack", arg.model("base", "a model"), function(a)
  local t = {} for i = 1, 1e6 do t[i] = i end for i = 1, 1e6 do table.sort(t, function(x, y) return x > y end) end
  return a.base
end }
