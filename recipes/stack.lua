return recipe {
  "Layers of models one behind the other: a deeper model, or one without some of its layers.",
  paper = "Kim et al. 2023, arXiv:2312.15166",
  arg.parts("parts", "layers FIRST to before END of each model, as in A:0-24 B:8-32; A:8- goes to the last one, A alone is all of them", { of = "of" }),
  arg("of", "", "which layers, where a model has several stacks: such as language_model.model.layers"),

  function(a)
    local parts = { of = a.of ~= "" and a.of or nil }
    for i, part in ipairs(a.parts) do parts[i] = part end
    return stack(parts)
  end,
}
