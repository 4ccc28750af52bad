return recipe {
  "A random adapter of every weight.",
  arg.model("base", "the model"), arg("rank", 16, "its rank", { min = 1, whole = true }), arg.seed(),
  function(a)
    local A, B = {}, {}
    for name, w in pairs(a.base) do
      A[name] = zeros{ a.rank, w.shape[2] }:normal(a.seed:at(name, "A")) * 0.01
      B[name] = zeros{ w.shape[1], a.rank }:normal(a.seed:at(name, "B")) * 0.01
    end
    return adapter{ A = A, B = B, base = a.base }
  end,
}
