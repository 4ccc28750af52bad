return recipe {
  "The mean of LoRA adapters, as one adapter: of their products, not of their factors.",
  paper = "Prabhakar et al. 2024, arXiv:2410.13025",
  arg.model   ("base",     "the model that the adapters are of"),
  arg.adapters("adapters", "LoRA adapters of base", { min = 1 }),
  arg.each("weight", 1.0, "w_i, one number for all adapters or one each; normalised to sum to 1"),
  arg("rank", 16, "of the adapter; the sum of theirs holds the mean exactly", { min = 1, whole = true }),
  arg("only", "*", "of the weights that they change, those of this name"),
  function(a)
    local total, changed = nonzero(sum(a.weight), "the weights sum to 0, so there is no mean", { within = 1e-12 }), {}
    for _, adapted in ipairs(a.adapters) do
      for _, name in ipairs(adapted:adapted():names()) do changed[name] = name end
    end
    local x = sum(a.weight / total * (a.adapters - a.base)):rename(function(name) return changed[name] end):only(a.only)
    local u, s, v = svd(x, a.rank)
    return adapter { B = u:scale_columns(s:sqrt()), A = v:scale_rows(s:sqrt()), base = a.base }
  end,
}
