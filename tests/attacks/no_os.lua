-- expect: 65 recipes have no 'os'
return recipe { "attack", arg.model("base", "a model"), function(a)
  local x = os
  return a.base
end }
