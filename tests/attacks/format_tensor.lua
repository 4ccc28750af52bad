-- expect: 0
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  a.base:map(function(t) print(string.format("%s", t), tostring(t), string.format("%s", print)) return t end)
  print(string.format("%s %s", a.base, a))
  return a.base
end }
