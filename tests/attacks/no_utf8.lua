-- expect: 65 recipes have no 'utf8'
return recipe { "attack", arg.model("base", "a model"), function(a)
  local x = utf8
  return a.base
end }
