return recipe {
  "Trimmed task vectors; what agrees with the elected sign is averaged.",
  paper = "Yadav et al. 2023, arXiv:2306.01708; sd-mecha ties_sum",
  arg.model("base", "theta_0"), arg.models("experts", "theta_i", { min = 1 }), arg("k", 0.2, "share kept", { min = 0, max = 1 }), arg("alpha", 1.0, "lambda"),
  arg("by_mass", true, "the sign of the sum is elected; else that of the sum of signs"), arg("p", 0.0, "probability of dropping", { min = 0, max = 1 }),
  arg("eps", 0.0, "how much the smallest are dropped more often, the largest less"), arg("stock", false, "scaled as model stock does"), arg.seed(),
  function(a)
    local tau = (a.experts - a.base):keep_top(a.k)
    if a.p > 0 then                                     -- DELLA's drop, ranked within the tensor
      local keep = (1 - a.p + a.eps * (tau:abs():rank() - 0.5)):clamp(0, 1)
      tau = ratio(tau:keep(tau:bernoulli(keep, a.seed)), keep)
    end
    local agrees = tau:sign():eq(sum(a.by_mass and tau or tau:sign()):sign())
    local kept, t, cosines, n = tau:keep(agrees), 1, {}, #a.experts
    if a.stock then
      for i = 1, n do for j = i + 1, n do cosines[#cosines + 1] = kept[i]:cosine(kept[j], { per = "row" }) end end
      t = n * mean(cosines) / (1 + (n - 1) * mean(cosines))
    end
    return a.base + a.alpha * t * ratio(sum(kept), sum(agrees))
  end,
}
