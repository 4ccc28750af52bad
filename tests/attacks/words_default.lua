-- expect: 0
return recipe { "Words are a list.", arg.model("base", "a model"), arg.words("some", { "one", "two" }, "words"), function(a)
  assert(#a.some == 2 and a.some[1] == "one" and a.some[2] == "two")
  return a.base
end }
