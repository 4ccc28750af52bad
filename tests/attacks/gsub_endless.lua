-- expect: 65 too long
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a)
  string.gsub("a", "a", function() while true do end end)
  return a.base
end }
