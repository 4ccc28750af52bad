return recipe {
  "Uses every operation, so that one digest pins them all.",
  arg.model("a", "a model"),
  arg.model("b", "another"),
  arg.seed(),
  function(a)
    local x, y = a.a, a.b
    local d = x - y
    local smooth = d:exp():log() + d:tanh() * d:abs():sqrt() - d:sin():cos() * d:clamp(-1, 1):acos() / 7
    local chosen = where(d:gt(0) & ~d:ge(0.01) | d:ne(0), smooth, -d ^ 3)
    local scalars = d:mean() + d:peak() * x:cosine(y) + d:flat():norm() / d:flat():total() + d:quantile(0.25) + d:kth_magnitude(3)
    local random = d:bernoulli(0.3, a.seed:at("mask")) * d:normal(a.seed:at("noise"))
    local trimmed = d:keep_top(0.3, { per = "model" }) + d:keep_top(0.2, { count = "exact" }) + d:drop_rescale(0.4, a.seed, { rescale = "l1" })
    return x + 0.01 * chosen + 0.001 * scalars * random + ratio(trimmed, 1 + d:lt(0.5)):atleast(-1):atmost(1)
  end,
}
