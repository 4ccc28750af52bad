-- expect: 65 no tensor is called
return recipe { "attack", arg.model("base", "a model"), function(a)
  a.base:only("nothing*")
  return a.base
end }
