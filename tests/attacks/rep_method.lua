-- expect: 65 more than 1 MB
return recipe { "attack", arg.model("base", "a model"), function(a)
  local s = ("x"):rep(1e9)
  return a.base
end }
