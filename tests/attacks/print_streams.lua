-- expect: 65 io
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  io.stdout:write("past the wire")
  return a.base
end }
