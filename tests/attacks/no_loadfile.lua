-- expect: 65 recipes have no 'loadfile'
return recipe { "attack", arg.model("base", "a model"), function(a)
  local x = loadfile
  return a.base
end }
