-- expect: 65 attempt to call a nil value
return recipe { "attack", arg.model("base", "a model"), function(a)
  math.random()
  return a.base
end }
