return recipe {
  "The mean of LoRA adapters, as one adapter: of their products, not of their factors.",
  paper = "Prabhakar et al. 2024, arXiv:2410.13025",
  arg.model   ("base",     "the model that the adapters are of"),
  arg.adapters("adapters", "LoRA adapters of base", { min = 1 }),
  arg.each("weight", 1.0, "w_i, one number for all adapters or one each; normalised to sum to 1"),
  arg("rank", 16, "of the adapter; the sum of theirs holds the mean exactly", { min = 1, whole = true }),
  arg("only", "*_proj.weight", "names of the weights that they change"),
  function(a)
    local total = sum(a.weight)
    assert(total ~= 0, "the weights sum to 0, so there is no mean")
    local x = sum(a.weight / total * (a.adapters - a.base)):only(a.only)
    local u, s, v = svd(x, a.rank)
    return adapter { B = u:scale_columns(s:sqrt()), A = v:scale_rows(s:sqrt()), base = a.base }
  end,
}
