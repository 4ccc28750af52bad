local dare, ties = require "dare", require "ties"
return recipe {
  "Thin every expert with DARE, then merge with TIES.",
  paper = "Yu et al. 2023, arXiv:2311.03099; Yadav et al. 2023, arXiv:2306.01708",
  arg.from(ties, "base", "experts"),
  arg.each("drop", 0.5, "p, share of elements dropped at random, one number for all experts or one each", { min = 0, max = 1 }),
  arg.from(dare, "rescale"),
  arg.from(ties, { density = 1.0 }, "weight", "scale", "per", "count", "election", "drawn", "normalize"),  -- density 1: no trim after the drop
  arg.profile { mergekit = { drop = 0, rescale = "l1", per = "tensor", count = "some", election = "weighted", drawn = "plus", normalize = false } },
  arg.seed(),
  function(a)
    local tau     = a.experts - a.base
    local thinned = a.base + tau:drop_rescale(a.drop, a.seed:at("dare"), { rescale = a.rescale })
    return ties { base = a.base, experts = thinned, density = a.density, weight = a.weight, scale = a.scale, per = a.per,
                  count = a.count, election = a.election, drawn = a.drawn, normalize = a.normalize }
  end,
}
