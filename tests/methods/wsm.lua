return recipe {
  "WSM: checkpoints of a constant learning rate, averaged with the weights that a decay to 0 would have given their steps.",
  paper = "Tian et al. 2025, arXiv:2507.17634",
  arg.models("checkpoints", "in their order", { min = 1 }), arg.choice("decay", { "linear", "cosine", "sqrt" }, "how the rate would have fallen"),
  function(a)
    local n = #a.checkpoints
    local function rate(i)
      local t = i / n
      if a.decay == "linear" then return 1 - t end
      if a.decay == "cosine" then return (1 + math.cos(math.pi * t)) / 2 end
      return 1 - math.sqrt(t)
    end
    local w = {}
    for i = 1, n do w[i] = rate(i - 1) - rate(i) end
    return sum(list(w) * a.checkpoints)
  end,
}
