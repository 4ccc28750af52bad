return recipe {
  "Of every element the trim smallest and largest are left out; the median where nothing else is said.",
  paper = "Yin et al. 2018, arXiv:1803.01498",
  arg.models("models", "the models", { min = 3 }), arg.maybe("trim", "how many at each end", { min = 0, whole = true }),
  function(a)
    if not a.trim then return median(a.models) end
    local rising, kept = sort(a.models), {}
    for i = a.trim + 1, #rising - a.trim do kept[#kept + 1] = rising[i] end
    return mean(kept)
  end,
}
