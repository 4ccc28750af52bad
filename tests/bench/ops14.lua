-- Fourteen elementwise operations on two models.
return recipe {
  "Fourteen elementwise operations.",
  arg.model("a", "one end"),
  arg.model("b", "the other end"),
  function(a)
    local d = a.b - a.a                                      -- 1
    local m = d:abs()                                        -- 2
    local r = d * m:atmost(0.5) + d:clamp(-0.1, 0.1)         -- 3 4 5 6
    local u = r + d:sign() * 0.01                            -- 7 8 9
    local v = where(m:gt(0.001), u, d)                       -- 10 11
    return a.a + (v * 0.5):clamp(-1, 1)                      -- 12 13 14
  end,
}
