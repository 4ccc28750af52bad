-- expect: 65 letters, digits
return recipe { "attack", arg.model("base", "a model"), function(a)
  require "../secret"
  return a.base
end }
