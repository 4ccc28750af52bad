-- Eight elementwise operations on two models: what a method of one's own costs beside lerp.
return recipe {
  "Eight elementwise operations.",
  arg.model("a", "one end"),
  arg.model("b", "the other end"),
  function(a)
    local d = a.b - a.a                                      -- 1
    local r = d * d:abs():atmost(0.5)                        -- 2 3 4
    return a.a + (r + d:clamp(-0.1, 0.1)) * 0.5              -- 5 6 7 8
  end,
}
