-- expect: 65 loop_line_named.lua:5
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  local n = 0
  
  while true do n = n + 1 end
  return a.base
end }
