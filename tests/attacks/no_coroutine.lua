-- expect: 65 recipes have no 'coroutine'
return recipe { "attack", arg.model("base", "a model"), function(a)
  local x = coroutine
  return a.base
end }
