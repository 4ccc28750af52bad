return recipe {
  "A LoRA adapter of what a fine-tune has changed: the leading singular vectors of each weight's change.",
  paper = "Hu et al. 2021, arXiv:2106.09685; Eckart and Young 1936",
  arg.model("base",  "the model that was tuned"),
  arg.model("tuned", "the fine-tune"),
  arg("rank",   16, "of the adapter; the smaller side of a weight at most", { min = 1, whole = true }),
  arg("energy", 1.0, "share of a change's squared norm kept, if fewer vectors than the rank hold it", { min = 0, max = 1 }),
  arg("only",   "*_proj.weight", "names of the weights it changes"),
  function(a)
    local x = (a.tuned - a.base):only(a.only)
    local u, s, v = svd(x, a.rank)
    if a.energy < 1 then
      local squares = s * s
      s = s:keep((squares:cumulative() - squares):lt(a.energy * x:dot(x)))
    end
    return adapter { B = u:scale_columns(s:sqrt()), A = v:scale_rows(s:sqrt()), base = a.base }
  end,
}
