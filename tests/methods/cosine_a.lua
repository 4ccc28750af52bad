return recipe {
  "Towards b, column by column, the more the columns differ; with whole = true the angle of the tensors counts as much as that of columns.",
  paper = "supermerger cosineA and cosineB; sd-mecha add_cosine_a, add_cosine_b",
  arg.model("a", "the model that is moved"), arg.model("b", "what it is moved to"),
  arg("alpha", 0.0, "a cosine up to which b is taken whole"), arg("whole", false, "cosineB"),
  function(a)
    local cosine = a.a:cosine(a.b, { per = "column" })
    if a.whole then cosine = (cosine + a.a:cosine(a.b)) / 2 end
    return lerp(a.a, a.b, 1 - (cosine - a.alpha):clamp(0, 1))
  end,
}
