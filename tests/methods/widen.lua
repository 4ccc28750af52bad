return recipe {
  "WIDEN: each column counts by how far its length and its direction have moved, ranked within a model and shared out between the models.",
  paper = "Yu et al. 2024, arXiv:2408.03092",
  arg.model("base", "W_0"), arg.models("experts", "W_t", { min = 1 }), arg("t", 1.0, "a rank above t times the mean counts whole", { min = 0 }),
  function(a)
    local W0, W, columns = a.base:matrices(), a.experts:matrices(), { per = "column" }
    local function score(moved)
      local r = moved:rank()
      return where(r:gt(a.t * r:mean()), 1, softmax(r))
    end
    local S = (score((W:norm(columns) - W0:norm(columns)):abs()) + score(1 - W:cosine(W0, columns))) / 2
    return mean(a.experts):with(W0 + sum((W - W0):scale_columns(S)))
  end,
}
