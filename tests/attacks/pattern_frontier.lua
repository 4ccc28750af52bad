-- expect: 65 too long
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  string.find(string.rep("a", 1e6), ".-.-%f[b]b")
  return a.base
end }
