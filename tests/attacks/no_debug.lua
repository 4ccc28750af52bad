-- expect: 65 recipes have no 'debug'
return recipe { "attack", arg.model("base", "a model"), function(a)
  local x = debug
  return a.base
end }
