-- expect: 65 memory
-- time
return recipe { "attack", arg.model("base", "a model"), function(a)
  local s = "x" while true do s = s .. s end
  return a.base
end }
