-- expect: 65 recipes have no 'getmetatable'
return recipe { "attack", arg.model("base", "a model"), function(a)
  local x = getmetatable
  return a.base
end }
