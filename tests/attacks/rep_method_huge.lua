-- expect: 65
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  local s = ("x"):rep(1e15)
  return a.base
end }
