-- expect: 65 a:lt(b), which gives a mask
return recipe { "attack", arg.model("base", "a model"), function(a)
  local t if a.base < a.base then t = 1 end
  return a.base
end }
