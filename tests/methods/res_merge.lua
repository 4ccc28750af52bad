return recipe {
  "ResMerge: a consensus of what each change has beside its leading directions, on the sphere, and as much of these as they agree on.",
  paper = "Sun et al. 2026, arXiv:2606.02252",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 2 }), arg("rank", 1, "of the head", { min = 1, whole = true }),
  arg("least", 0.5, "beta of what agrees"), arg("most", 1.0, "beta of what does not"), arg("budget", 0.5, "of the head, of the residual's norm"),
  function(a)
    local tau, n = a.experts - a.base, #a.experts
    local T = tau:matrices()
    local head = low_rank(T, a.rank)
    local rest = T - head
    local function pairs_of(list, f)
      local found = {}
      for i = 1, n do for j = i + 1, n do found[#found + 1] = f(list[i]:cosine(list[j])) end end
      return mean(found)
    end
    local q = rest / rest:norm()
    local source = sum(q) / sum(q):norm()
    local coherence = mean(q:map(function(x) return x:dot(source) end)):clamp(0, 1)
    local similar = pairs_of(rest, function(c) return c end)
    local score = ((similar + 1) / 2 + (coherence + 1) / 2) / 2
    local beta = a.most - (a.most - a.least) * score
    local backbone = where(coherence:gt(1 / math.sqrt(n)), coherence ^ beta * mean(rest:norm()) * source, mean(rest))
    local agreed = pairs_of(head, function(c) return c:atleast(0) end)
    local correction = a.budget * agreed * backbone:norm() / mean(head):norm() * mean(head)
    return a.base + mean(tau):with(backbone + correction)
  end,
}
