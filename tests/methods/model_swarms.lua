return recipe {
  "Model Swarms: experts fly as particles towards the best places that they and the swarm have seen.",
  paper = "Feng et al. 2024, arXiv:2410.11163",
  arg.models("experts", "particles at their start", { min = 2 }), arg("steps", 2, "flights", { min = 0, whole = true }),
  arg("inertia", 0.2, "phi_v"), arg("own", 0.4, "phi_p"), arg("best", 0.3, "phi_g"), arg("worst", 0.1, "phi_w"), arg.score(), arg.seed(),
  function(a)
    local n = #a.experts
    local x, v, p, score = {}, {}, {}, {}
    for i, e in ipairs(a.experts) do x[i], p[i], score[i] = e, e, a.score(e) end
    local g, worst = 1, 1
    for i = 1, n do if score[i] > score[g] then g = i end if score[i] < score[worst] then worst = i end end
    local best, best_score, bad, bad_score = x[g], score[g], x[worst], score[worst]
    for k = 1, a.steps do
      for i = 1, n do
        local r = {}
        for j = 1, 4 do r[j] = a.seed:at(k .. "." .. i .. "." .. j):uniform() end
        local c = r[1] * a.inertia + r[2] * a.own + r[3] * a.best + r[4] * a.worst
        local pull = r[2] * a.own * (p[i] - x[i]) + r[3] * a.best * (best - x[i]) + r[4] * a.worst * (x[i] - bad)
        v[i] = (pull + (v[i] and r[1] * a.inertia * v[i] or 0)) / c
        x[i] = x[i] + v[i]
        local s = a.score(x[i])
        if s > score[i] then p[i], score[i] = x[i], s end
        if s > best_score then best, best_score = x[i], s end
        if s < bad_score then bad, bad_score = x[i], s end
      end
    end
    return best
  end,
}
