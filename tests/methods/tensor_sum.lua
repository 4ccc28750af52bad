return recipe {
  "The rows of a, and some of b in their place.",
  paper = "supermerger tensor_sum; sd-mecha tensor_sum",
  arg.model("a", "a model"), arg.model("b", "another"), arg("from", 0.25, "share of the rows before b's", { min = 0, max = 1 }),
  arg("to", 0.75, "share where they end", { min = 0, max = 1 }),
  function(a)
    return a.a:map(function(x, name)
      local rows, parts, y = x.shape[1] or 1, {}, a.b[name]
      local from, to = math.floor(rows * a.from), math.floor(rows * a.to)
      if from >= to then return x end
      if from > 0 then parts[#parts + 1] = x:slice { rows = { 0, from } } end
      parts[#parts + 1] = y:slice { rows = { from, to } }
      if to < rows then parts[#parts + 1] = x:slice { rows = { to, rows } } end
      return (join(parts))
    end)
  end,
}
