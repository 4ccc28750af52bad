-- expect: 65 recipes have no 'xpcall'
return recipe { "attack", arg.model("base", "a model"), function(a)
  local x = xpcall
  return a.base
end }
