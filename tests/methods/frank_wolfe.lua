return recipe {
  "One step of Frank-Wolfe merging: of the experts the one that goes most against the gradient of the loss at what is merged so far.",
  paper = "Chen et al. 2025, arXiv:2503.12649 (hard selection)",
  arg.model("merged", "where the step begins: at first a merge, then what the step before gave"), arg.models("experts", "theta_t", { min = 1 }),
  arg("step", 0, "of which number, from 0: its length is 2 / (step + 2)", { min = 0, whole = true }), arg.choice("by", { "model", "tensor" }, "one expert for all, or one a tensor"),
  arg.calibration(),
  function(a)
    local slopes = {}
    for i = 1, #a.data do slopes[i] = gradient(function(batch) return cross_entropy(logits(a.merged, batch), batch) end, a.merged, a.data[i]) end
    local g = mean(slopes)
    local along = a.experts:map(function(e) local c = g:cosine(e) return a.by == "model" and c:across("total") or c end)
    local gamma = 2 / (a.step + 2)
    return (1 - gamma) * a.merged + gamma * choose(a.experts, argmin(along))
  end,
}
