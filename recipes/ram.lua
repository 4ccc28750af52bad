return recipe {
  "RAM: an element that one expert moved is taken as it is, one that several moved is averaged; RAM+ strengthens the unshared.",
  paper = "arXiv:2601.13572; mergekit ram, ramplus_tl",
  arg.model ("base",    "theta_0, the model the experts were tuned from"),
  arg.models("experts", "theta_t, fine-tunes of base", { min = 1 }),
  arg("epsilon", 1e-5, "an element has moved if its change is larger", { min = 0 }),
  arg("r",       0.0,  "strength of RAM+, 0.1 there; 0 is RAM"),
  arg("alpha",   0.2,  "the most that shared / unshared counts"),
  function(a)
    local tau    = a.experts - a.base
    local moved  = tau:abs():gt(a.epsilon)
    local votes  = sum(moved)
    local unique = moved & votes:eq(1)
    local shared = moved & votes:gt(1)
    local more   = 1 + a.r * (shared:total() / unique:total():atleast(a.epsilon)):clamp(0, a.alpha)
    return a.base + where(votes:gt(1), ratio(sum(tau:keep(moved)), votes), sum(more * tau:keep(unique)))
  end,
}
