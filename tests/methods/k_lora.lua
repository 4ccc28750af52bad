return recipe {
  "K-LoRA: of two changes each tensor takes the one whose largest elements sum to more, after both are brought to one magnitude.",
  paper = "Ouyang et al. 2025, arXiv:2502.18461",
  arg.model("base", "W_0"), arg.model("content", "a fine-tune"), arg.model("style", "another"),
  arg("k", 0.1, "K, as a share of the elements", { min = 0, max = 1 }), arg("prefer", 1.0, "S, what the style counts for"),
  function(a)
    local c, s  = a.content - a.base, a.style - a.base
    local gamma = c:abs():total{ per = "model" } / s:abs():total{ per = "model" }
    local function top(x) return x:keep_top(a.k, { count = "exact" }):abs():total() end
    return a.base + where(top(c):ge(a.prefer * gamma * top(s)), c, s)
  end,
}
