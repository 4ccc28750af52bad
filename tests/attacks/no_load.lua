-- expect: 65 recipes have no 'load'
return recipe { "attack", arg.model("base", "a model"), function(a)
  local x = load
  return a.base
end }
