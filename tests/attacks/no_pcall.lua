-- expect: 65 recipes have no 'pcall'
return recipe { "attack", arg.model("base", "a model"), function(a)
  local x = pcall
  return a.base
end }
