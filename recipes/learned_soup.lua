return recipe {
  "Learned soup: weights that sum to 1, one a model (or a model and tensor or column), learned from labels.",
  paper = "Wortsman et al. 2022, arXiv:2203.05482",
  arg.models("models", "fine-tunes of one initialisation; --data names held-out files of any number", { min = 2 }),
  arg.choice("by", { "model", "tensor", "column" }, "one weight a model, one a model and tensor, or (an extension) one a model and input column"),
  arg("steps", 200, "steps of training; 0 applies --coefficients as they are", { min = 0, max = 1000000, whole = true }),
  arg("windows", 2, "windows of every file in a step", { min = 1, max = 1024, whole = true }),
  arg("rate", 0.05, "learning rate of AdamW", { min = 0, max = 1000 }),
  arg.seed(), arg.calibration(),
  function(a)
    local function mix(c) return sum(c:softmax() * a.models) end   -- the paper's temperature changes no argmax: dropped
    local function loss(c, batch)
      local total = 0
      for i = 1, #batch do total = total + cross_entropy(logits(mix(c), batch[i]), batch[i]) end
      return total / #batch
    end
    local forms = { model = a.models.scalars, tensor = a.models.tensors, column = a.models.columns }
    return mix(learn { start = forms[a.by](a.models, 0), loss = loss, data = a.data, seed = a.seed:at("learned_soup"), steps = a.steps,
      windows = a.windows, rate = a.rate })
  end,
}
