-- The mean over pairs of experts of sum_k min(|a_k|, |b_k|), summed over tensors.
local function overlap(c)
  local total = 0
  for i = 1, #c do
    for j = i + 1, #c do total = total + min { c[i]:abs(), c[j]:abs() }:l1() end
  end
  return total / math.max(#c * (#c - 1) / 2, 1)
end

return recipe {
  "DAM: a coefficient for every input column of every expert, learned so that the merged model speaks as each expert does on its own data.",
  paper = "Gauthier-Caron et al. 2024, arXiv:2410.08371",
  arg.models("experts", "theta_i, fine-tunes of one model; --data names one file for each, in their order", { min = 2 }),
  arg.words ("scope", { "linear", "norm", "embedding" }, "which tensors learn; the others stay the plain average"),
  arg       ("steps", 200, "steps of training; 0 applies --coefficients as they are", { min = 0, max = 1000000, whole = true }),
  arg       ("windows", 2, "windows of every expert's data in a step", { min = 1, max = 1024, whole = true }),
  arg       ("rate", 1e-3, "learning rate of AdamW", { min = 0, max = 1000 }),
  arg       ("temperature", 2.0, "T, softens what the experts and the merged model say", { min = 0.01, max = 1000 }),
  arg       ("similarity", 0.01, "weight of the mean cosine between experts' coefficients, summed over tensors", { min = 0 }),
  arg       ("l1", 0.0, "weight of the coefficients' L1 norms", { min = 0 }),
  arg       ("l2", 0.0, "weight of the coefficients' L2 norms", { min = 0 }),
  arg       ("mse", 0.0, "weight of the squared difference of logits", { min = 0 }),
  arg       ("entropy", 0.0, "weight of the merged model's entropy", { min = 0 }),
  arg       ("overlap", 0.0, "weight of the overlap of experts' coefficients", { min = 0 }),
  arg.profile { released = { scope = "linear" } },   -- the published code: also tanh of the coefficients, and MoFO 0.3
  arg.seed(), arg.calibration(),
  function(a)
    local n, T, released = #a.experts, a.temperature, a.profile == "released"
    if a.steps > 0 and #a.data > 0 then assert(#a.data == n, "--data takes one file an expert: " .. n .. " files, not " .. #a.data) end
    local function mix(c) return sum((released and c:tanh() or c) * a.experts) end
    local function loss(c, batch)
      local total = 0
      local function add(weight, term, ...) if weight > 0 then total = total + weight * term(...) end end
      add(a.similarity, cosine_penalty, c)
      add(a.l1, c.l1, c)
      add(a.l2, c.l2, c)
      add(a.overlap, overlap, c)
      for i, expert in ipairs(a.experts) do
        local teacher, student = logits(expert, batch[i]), logits(mix(c), batch[i])
        add(1, kl, teacher, student, { temperature = T })
        add(a.mse, mse, teacher, student)
        add(a.entropy * T ^ 2, entropy, student / T)
      end
      return total
    end
    return mix(learn {
      start = a.experts:columns(1 / n, { scope = a.scope }), loss = loss, data = a.data, seed = a.seed:at("dam"),
      steps = a.steps, windows = a.windows, rate = a.rate, optimizer = released and "mofo" or "adamw", share = 0.3,
    })
  end,
}
