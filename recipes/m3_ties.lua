local ties, m3 = require "ties", require "m3"
return recipe {
  "Trim and elect signs as TIES does, then mix the survivors of each element as M3 does; a lone survivor keeps its value.",
  paper = "Mixup Model Merge 2025, arXiv:2502.15434; Yadav et al. 2023, arXiv:2306.01708",
  arg.model ("base",    "theta_0, the model the experts were tuned from"),
  arg.models("experts", "fine-tunes of base; lambda multiplies the first (more than two: Dirichlet(alpha), an extension)", { min = 2 }),
  arg.from(ties, "density", "scale", "per", "count", "drawn"),
  arg.from(m3, "alpha", "lambda", "samples"),
  arg.seed(), arg.score(),
  function(a)
    local kept = sign_trim(a.experts - a.base, a.density, { per = a.per, count = a.count, drawn = a.drawn })
    local survive = kept:ne(0)
    local votes   = sum(survive)
    local best, most
    for k = 1, a.samples do
      local seed = k == 1 and a.seed or a.seed:at("draw", k)
      local function mixed(list) return m3 { models = list, alpha = a.alpha, lambda = a.lambda, seed = seed } end
      local some   = ratio(mixed(kept), mixed(survive))   -- more than one of three or more: shares of those that survive
      local tau    = where(votes:eq(#kept), mixed(kept), where(votes:eq(1), sum(kept), some))
      local merged = a.base + a.scale * tau
      local score  = a.samples > 1 and a.score(merged)
      if not best or score > most then best, most = merged, score end
    end
    return best
  end,
}
