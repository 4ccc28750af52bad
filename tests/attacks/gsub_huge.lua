-- expect: 65 memory
-- time
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  local s = string.rep("x", 1e6)
  s = s:gsub("x", s)
  return a.base
end }
