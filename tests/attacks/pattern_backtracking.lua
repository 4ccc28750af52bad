-- expect: 65 too long
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  string.find(string.rep("a", 1e5), string.rep(".-", 20) .. "b")
  return a.base
end }
