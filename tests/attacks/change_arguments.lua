-- expect: 65 cannot be changed
return recipe { "attack", arg.model("base", "a model"), function(a)
  a.base = 1
  return a.base
end }
