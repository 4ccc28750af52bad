-- expect: 65 recipes have no 'package'
return recipe { "attack", arg.model("base", "a model"), function(a)
  local x = package
  return a.base
end }
