-- expect: 0
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  print("\27[2J\27]0;owned\7\r\194\155 31m \226\128\174 end")
  return a.base
end }
