return recipe {
  "The task vector as a sum of few Kronecker products of an m x n with smaller blocks.",
  paper = "Van Loan and Pitsianis 1993, doi:10.1007/978-94-015-8196-7_17; sd-mecha truncate_kronecker",
  arg.model("base", "theta_0"), arg.model("expert", "theta_1"), arg("rows", 4, "m", { min = 1, whole = true }), arg("columns", 4, "n", { min = 1, whole = true }),
  arg("rank", 1, "products", { min = 1, whole = true }),
  function(a)
    local m, n = a.rows, a.columns
    return a.base + (a.expert - a.base):map(function(x)
      if #x.shape ~= 2 or x.shape[1] % m ~= 0 or x.shape[2] % n ~= 0 then return x end
      local h, w, blocks, lines = x.shape[1] // m, x.shape[2] // n, {}, {}
      for i = 0, m - 1 do for j = 0, n - 1 do
        blocks[#blocks + 1] = x:slice { rows = { i * h, (i + 1) * h }, columns = { j * w, (j + 1) * w } }:reshape { 1, h * w }
      end end
      local near = low_rank(join(blocks), a.rank)                -- a row for each block
      for i = 0, m - 1 do
        local line = { along = "column" }
        for j = 0, n - 1 do line[j + 1] = near:slice { rows = { i * n + j, i * n + j + 1 } }:reshape { h, w } end
        lines[i + 1] = join(line)
      end
      return join(lines)
    end)
  end,
}
