-- expect: 65 recipes have no 'rawset'
return recipe { "attack", arg.model("base", "a model"), function(a)
  local x = rawset
  return a.base
end }
