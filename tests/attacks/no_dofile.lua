-- expect: 65 recipes have no 'dofile'
return recipe { "attack", arg.model("base", "a model"), function(a)
  local x = dofile
  return a.base
end }
