-- expect: 65 recipes have no 'io'
return recipe { "attack", arg.model("base", "a model"), function(a)
  local x = io
  return a.base
end }
