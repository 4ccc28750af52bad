-- expect: 65 io
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  io.popen("id")
  return a.base
end }
