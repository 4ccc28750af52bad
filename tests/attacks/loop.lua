-- expect: 65 too long
return recipe { "attack", arg.model("base", "a model"), function(a)
  while true do end
  return a.base
end }
