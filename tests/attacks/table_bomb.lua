-- expect: 65 memory
-- time
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  local t = {}
  for i = 1, math.huge do t[i] = {} end
  return a.base
end }
