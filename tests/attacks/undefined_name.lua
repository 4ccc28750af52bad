-- expect: 65 did you mean
return recipe { "attack", arg.model("base", "a model"), function(a)
  local x = men(a.base)
  return a.base
end }
