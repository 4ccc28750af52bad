-- expect: 65 too long
return recipe { "attack", arg.model("base", "a model"), function(a)
  local s = string.rep("x", 1000000) local n = 0 while true do if s .. "a" < s .. "b" then n = n + 1 end end
  return a.base
end }
