-- expect: 65 not finite
return recipe { "attack", arg.model("base", "a model"), function(a)
  do return a.base * (0 / 0) end
  return a.base
end }
