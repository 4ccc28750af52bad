-- expect: 65 too long
return recipe { "attack", arg.model("base", "a model"), function(a)
  local s = string.rep("a", 100000) for i = 1, 1e9 do s:find(string.rep("a?", 30) .. string.rep("a", 30) .. "b") end
  return a.base
end }
