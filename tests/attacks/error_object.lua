-- expect: 65 error object is a table
return recipe { "attack", arg.model("base", "a model"), function(a)
  error({ code = 1 })
  return a.base
end }
