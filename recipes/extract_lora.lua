return recipe {
  "A LoRA adapter of what a fine-tune has changed: the leading singular vectors of each weight's change.",
  paper = "Hu et al. 2021, arXiv:2106.09685; Eckart and Young 1936",
  arg.model("base",  "the model that was tuned"),
  arg.model("tuned", "the fine-tune"),
  arg("rank",   16, "of the adapter; the smaller side of a weight at most", { min = 1, whole = true }),
  arg("energy", 1.0, "share of a change's squared norm kept, if fewer vectors than the rank hold it", { min = 0, max = 1 }),
  arg("only",   "", "names of the weights it changes; unless told, all matrices of the layers"),
  function(a)
    local linear = {}
    for name, w in pairs(a.base) do
      if #w.shape == 2 and name:find "%.%d+%..*weight$" and not name:find "relative_attention_bias" then linear[name] = name end
    end
    local x = a.tuned - a.base
    x = a.only ~= "" and x:only(a.only) or x:rename(function(name) return linear[name] end)
    local u, s, v = svd(x, a.rank)
    if a.energy < 1 then
      local squares = s * s
      s = s:keep((squares:cumulative() - squares):lt(a.energy * x:dot(x)))
    end
    return adapter { B = u:scale_columns(s:sqrt()), A = v:scale_rows(s:sqrt()), base = a.base }
  end,
}
