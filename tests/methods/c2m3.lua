return recipe {
  "C2M3: the hidden units of all models are brought to one common order, by Frank-Wolfe steps over all permutations at once, then averaged.",
  paper = "Crisostomi et al. 2024, arXiv:2405.17897",
  arg.models("models", "the models", { min = 2 }), arg("steps", 8, "of Frank-Wolfe", { min = 1, whole = true }),
  arg("up", "*.up.weight", "from inputs to units"), arg("down", "*.down.weight", "from units to outputs"),
  function(a)
    local ups, downs, changed = a.models[1]:only(a.up):names(), a.models[1]:only(a.down):names(), {}
    for i, up in ipairs(ups) do
      local features = {}                                                  -- a row for each hidden unit
      for k, m in ipairs(a.models) do features[k] = join { m[up], m[downs[i]]:T(), along = "column" } end
      local P = {}
      for k, x in ipairs(features) do P[k] = assign(-matmul(features[1], x:T())) end
      for step = 1, a.steps do
        local moved = {}
        for k, x in ipairs(features) do moved[k] = matmul(P[k], x) end
        local all, rate = sum(moved), 2 / (step + 2)
        for k, x in ipairs(features) do P[k] = lerp(P[k], assign(-matmul(all - moved[k], x:T())), rate) end
      end
      local x, y = {}, {}
      for k, m in ipairs(a.models) do
        local order = assign(-P[k])
        x[k], y[k] = matmul(order, m[up]), matmul(m[downs[i]], order:T())
      end
      changed[up], changed[downs[i]] = mean(x), mean(y)
    end
    return mean(a.models):map(function(t, name) return changed[name] or t end)
  end,
}
