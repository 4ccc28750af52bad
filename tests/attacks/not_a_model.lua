-- expect: 65 not a model
return recipe { "attack", arg.model("base", "a model"), function() return 3 end }
