return recipe {
  "An evolution strategy over the weights of task vectors: draws around a mean that moves to the best of them, with a step that adapts.",
  paper = "Akiba et al. 2024, arXiv:2403.13187; Hansen 2016, arXiv:1604.00772",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("generations", 5, "rounds", { min = 1, whole = true }),
  arg("population", 6, "draws a round", { min = 2, whole = true }),
  arg("sigma", 0.3, "first step"), arg.score(), arg.seed(),
  function(a)
    local tau, n, stream = a.experts - a.base, #a.experts, a.seed:at("evolve")
    local mean_of, sigma, best, most, parents = {}, a.sigma, nil, nil, a.population // 2
    local function merged(x) return a.base + sum(list(x) * tau) end
    for i = 1, n do mean_of[i] = 1 / n end
    for _ = 1, a.generations do
      local pool = {}
      for k = 1, a.population do
        local x = {}
        for i = 1, n do x[i] = mean_of[i] + sigma * stream:normal() end
        pool[k] = { x = x, score = a.score(merged(x)), place = k }
        if not best or pool[k].score > most then best, most = x, pool[k].score end
      end
      table.sort(pool, function(p, q) return p.score > q.score or p.score == q.score and p.place < q.place end)
      local step = 0
      for i = 1, n do
        local new = 0
        for k = 1, parents do new = new + pool[k].x[i] / parents end
        step, mean_of[i] = step + ((new - mean_of[i]) / sigma) ^ 2, new
      end
      sigma = sigma * math.exp((math.sqrt(step * parents / n) - 1) / (2 + n))
    end
    return merged(best)
  end,
}
