-- expect: 65 recipes have no 'next'
return recipe { "attack", arg.model("base", "a model"), function(a)
  local x = next
  return a.base
end }
