return recipe {
  "Barycentre on the sphere: the normalised mean direction of models, or of their task vectors, at their mean length.",
  paper = "mergekit multislerp; Shoemake 1985 of two",
  arg.models("models", "the models", { min = 1 }),
  arg.model ("base",   "their ancestor: its task vectors are merged and added to it", { optional = true }),
  arg.each  ("weight", 1.0, "w_i"),
  arg       ("normalize", true, "divide the weights by their sum"),
  arg       ("eps", 1e-8, "a length below is 0", { min = 0 }),
  function(a)
    if #a.models == 1 then return a.models[1] end
    local v       = a.base and a.models - a.base or a.models
    local w       = a.normalize and a.weight / nonzero(sum(a.weight), "the weights sum to 0, so there is no mean", { within = 1e-12 }) or a.weight
    local mean    = sum(w * (v / (v:norm() + a.eps)))
    local length  = mean:norm()
    local merged  = where(length:lt(a.eps), sum(w * v), ratio(sum(w * v:norm()), length) * mean)
    return a.base and a.base + merged or merged
  end,
}
