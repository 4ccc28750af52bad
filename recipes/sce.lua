--- A number rounded to the 24 bits of f32, in which mergekit multiplies.
local function single(x) return x * (2 ^ 29 + 1) - (x * (2 ^ 29 + 1) - x) end

return recipe {
  "SCE: select the elements that vary most between experts, weigh experts by their squared length there, elect signs.",
  paper = "Wan et al. 2024, arXiv:2408.07990",
  arg.model ("base",    "theta_0, the model the experts were tuned from"),
  arg.models("experts", "theta_t, fine-tunes of base", { min = 1 }),
  arg("topk", 1.0, "share selected, of the elements of each tensor that vary", { min = 0, max = 1 }),
  function(a)
    local tau = a.experts - a.base
    if type(a.topk) ~= "number" or a.topk < 1 then
      local spread = var(tau)
      local most = spread:keep_top(single(single(a.topk) * spread:count()):floor(), { count = "number" }):gt(0)
      tau = tau:keep(where(a.topk - 1, most, 1))
    end
    local energy = (tau * tau):mean()
    local all    = sum(energy)
    local weight = where(all:lt(1e-6), 1 / #tau, ratio(energy, all))
    local agrees = tau:sign():eq(where(sum(tau):ge(0), 1, -1))
    return a.base + sum(weight * agrees * tau) / sum(weight * agrees):atleast(1e-6)
  end,
}
