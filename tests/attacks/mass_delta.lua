-- expect: 65 weighs 0 models
return recipe { "attack", arg.model("base", "a model"), function(a)
  do return a.base - a.base end
  return a.base
end }
