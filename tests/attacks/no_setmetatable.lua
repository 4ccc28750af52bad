-- expect: 65 recipes have no 'setmetatable'
return recipe { "attack", arg.model("base", "a model"), function(a)
  local x = setmetatable
  return a.base
end }
