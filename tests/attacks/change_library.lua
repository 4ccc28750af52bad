-- expect: 65 cannot be changed
return recipe { "attack", arg.model("base", "a model"), function(a)
  string.rep = nil
  return a.base
end }
