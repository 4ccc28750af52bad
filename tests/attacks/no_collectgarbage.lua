-- expect: 65 recipes have no 'collectgarbage'
return recipe { "attack", arg.model("base", "a model"), function(a)
  local x = collectgarbage
  return a.base
end }
