return recipe {
  "LaCo: layers behind one collapse into it: it gets what each differs from it, and they go.",
  paper = "Yang et al. 2024, arXiv:2402.11187",
  arg.model("model", "what is shortened"), arg("at", 1, "the layer that stays", { min = 0, whole = true }), arg("count", 2, "how many behind it collapse", { min = 1, whole = true }),
  function(a)
    local m, at, last = a.model, a.at, a.at + a.count + 1
    local merged = m:layers(at, at + 1)
    for l = at + 1, last - 1 do merged = merged + (m:layers(l, l + 1) - m:layers(at, at + 1)) end
    return stack{ m:layers(0, at), merged, m:layers(last, m:depth()) }
  end,
}
