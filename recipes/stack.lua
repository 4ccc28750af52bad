return recipe {
  "Layers of models one behind the other: a deeper model, or one without some of its layers.",
  paper = "Kim et al. 2023, arXiv:2312.15166",
  arg.parts("parts", "layers FIRST to before END of each model, as in A:0-24 B:8-32; A:8- goes to the last one, A alone is all of them"),

  function(a)
    return stack(a.parts)
  end,
}
