-- expect: 65 stack overflow
return recipe { "attack", arg.model("base", "a model"), function(a)
  local function f(n) return 1 + f(n + 1) end f(1)
  return a.base
end }
