-- expect: 65 recipes have no 'rawget'
return recipe { "attack", arg.model("base", "a model"), function(a)
  local x = rawget
  return a.base
end }
