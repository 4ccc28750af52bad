-- expect: 65 too long
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  string.find(string.rep("(", 1e6), "%b()%b()%b()" .. ".-b")
  string.find(string.rep("(", 1e6), ".-%b().-%b()x")
  return a.base
end }
