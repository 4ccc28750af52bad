return recipe {
  "LLaMA Pro: after every few layers a copy of the last one that changes nothing at first, since what it adds to the stream is zero.",
  paper = "Wu et al. 2024, arXiv:2401.02415",
  arg.model("model", "what grows"), arg("every", 2, "layers before each new one", { min = 1, whole = true }),
  function(a)
    local m, parts, depth = a.model, {}, a.model:depth()
    for l = 0, depth - 1 do
      parts[#parts + 1] = m:layers(l, l + 1)
      if (l + 1) % a.every == 0 then
        local copy = m:layers(l, l + 1)
        for _, ends in ipairs { "*.o_proj.weight", "*.down_proj.weight" } do copy = copy:with(copy:only(ends):zeros():unweighed()) end
        parts[#parts + 1] = copy
      end
    end
    return stack(parts)
  end,
}
