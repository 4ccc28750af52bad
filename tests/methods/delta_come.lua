return recipe {
  "Delta-CoMe: a change's singular vectors with fewer bits the smaller their values are: 8, then 3, then 2.",
  paper = "Ping et al. 2024, arXiv:2406.08903",
  arg.model("base", "theta_0"), arg.model("expert", "theta_1"), arg("eight", 2, "pairs of 8 bits", { min = 1, whole = true }),
  arg("three", 4, "pairs of 3 bits behind them", { min = 1, whole = true }), arg("two", 6, "pairs of 2 bits behind these", { min = 1, whole = true }),
  function(a)
    local u, s, v = svd((a.expert - a.base):matrices(), a.eight + a.three + a.two)
    -- To whole numbers of so many bits, of each column of u and each row of v apart.
    local function rounded(x, bits, per)
      local step = x:abs():max{per = per} / (2 ^ (bits - 1) - 1)
      return (x / step):round() * step
    end
    local parts, first = {}, 0
    for i, part in ipairs{{a.eight, 8}, {a.three, 3}, {a.two, 2}} do
      local last = first + part[1]
      local U = rounded(u:slice{columns = {first, last}}, part[2], "column")
      local V = rounded(v:slice{rows = {first, last}}, part[2], "row")
      parts[i] = matmul(U:scale_columns(s:slice{columns = {first, last}}), V)
      first = last
    end
    return a.expert:with(a.base:matrices() + sum(parts))
  end,
}
