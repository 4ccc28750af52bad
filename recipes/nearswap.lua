return recipe {
  "Nearswap: every element of a moves towards that of b, by t at most.",
  paper = "mergekit nearswap",
  arg.model("a", "the model that is moved"),
  arg.model("b", "what it is moved to"),
  arg("t", 0.001, "the longest step of an element"),
  function(a) return lerp(a.a, a.b, (a.t / (a.a - a.b):abs():atleast(1e-6)):clamp(0, 1)) end,
}
