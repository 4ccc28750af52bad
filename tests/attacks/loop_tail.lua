-- expect: 65 too long
return recipe { "attack", arg.model("base", "a model"), function(a)
  local function f() return f() end f()
  return a.base
end }
