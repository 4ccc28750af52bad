return recipe {
  "AdaMerging: a weight a task vector, or a task vector and tensor, learned so that the merged model is sure of itself on unlabelled text.",
  paper = "Yang et al. 2023, arXiv:2310.02575",
  arg.model ("base",    "theta_0, the model the experts were tuned from; --data names files of any number"),
  arg.models("experts", "theta_i, fine-tunes of base", { min = 1 }),
  arg.choice("by", { "tensor", "model" }, "a weight a task vector and tensor (layer-wise), or one a task vector (task-wise)"),
  arg       ("start", 0.3, "the weights' first value", { min = -10, max = 10 }),
  arg       ("steps", 200, "steps of training; 0 applies --coefficients as they are", { min = 0, max = 1000000, whole = true }),
  arg       ("windows", 2, "windows of every file in a step", { min = 1, max = 1024, whole = true }),
  arg       ("rate", 1e-3, "learning rate of AdamW", { min = 0, max = 1000 }),
  arg.seed(), arg.calibration(),
  function(a)
    local tau = a.experts - a.base
    local function merged(c) return a.base + sum(c * tau) end
    local function loss(c, batch)
      local total = 0
      for i = 1, #batch do total = total + entropy(logits(merged(c), batch[i])) end
      return total
    end
    local form = a.by == "model" and tau.scalars or tau.tensors
    return merged(learn { start = form(tau, a.start), loss = loss, data = a.data, seed = a.seed:at("adamerging"), steps = a.steps,
      windows = a.windows, rate = a.rate })
  end,
}
