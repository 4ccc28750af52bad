-- expect: 65 knows no
return recipe { "attack", arg.model("base", "a model"), function(a)
  string.format("%p", {})
  return a.base
end }
