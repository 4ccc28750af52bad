-- expect: 65 too complex
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  local n = 3000
  string.find(string.rep("a", n), string.rep("a?", n) .. string.rep("a", n))
  return a.base
end }
