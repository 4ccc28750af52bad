return recipe {
  "Write a model again, unchanged: to shard it otherwise, or in another dtype.",
  arg.model("model", "the model"),
  function(a) return a.model end,
}
