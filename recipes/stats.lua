return recipe {
  "Statistics of data: what a model's layers read, or how its loss depends on each element, as a file that recipes take as a model.",
  paper = "Matena and Raffel 2022, arXiv:2111.09832; Jin et al. 2023, arXiv:2212.09849; Sun et al. 2023, arXiv:2306.11695",
  arg.model ("model", "whose network runs on the data"),
  arg.choice("find",  { "fisher", "gradient", "gram", "norm", "mean", "peak" },
    "mean squares or means of the loss's gradient; X'X / tokens, or for each column the norm, mean or peak, of what linear layers read"),
  arg.calibration(),
  function(a)
    local function loss(batch) return cross_entropy(logits(a.model, batch), batch) end
    local find = { fisher = fisher, gram = gram, gradient = function(model, data) return gradient(loss, model, data) end }
    local function columns(model, data)
      local x = inputs(model, data)
      return x[a.find](x, { per = "column" })
    end
    local found, out = (find[a.find] or columns)(a.model, a.data), {}
    for _, name in ipairs(found:names()) do out[name] = found[name]:unweighed() end
    return out
  end,
}
