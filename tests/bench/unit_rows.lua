-- Rows by their norms, mixed: what is computed along rows beside lerp.
return recipe {
  "Lerp of unit rows.",
  arg.model("a", "one end"),
  arg.model("b", "the other end"),
  arg("t", 0.5, "how far from a to b", { min = 0, max = 1 }),
  function(m)
    local function unit(x) return x / x:norm{ per = "row" } end
    return lerp(unit(m.a), unit(m.b), m.t)
  end,
}
