return recipe {
  "Tensors take one another's names, as those of a model and of its moving average within one file.",
  paper = "sd-mecha exchange_ema",
  arg.model("model", "what has both"), arg("from", "model.layers.0.*", "these"), arg("to", "model.layers.1.*", "and these"),
  function(a)
    local m = a.model
    return m:except(a.from):except(a.to):with(m:only(a.from):rename(a.from, a.to), { add = true }):with(m:only(a.to):rename(a.to, a.from), { add = true })
  end,
}
