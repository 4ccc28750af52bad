-- expect: 65 too long
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  ::again::
  goto again
  return a.base
end }
