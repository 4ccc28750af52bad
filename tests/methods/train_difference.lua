return recipe {
  "Adds b - c to a as if a had been trained so; opposite and strict count where a and b lie on both sides of c.",
  paper = "supermerger trainDifference; sd-mecha train_difference_mask, add_opposite_mask, add_strict_opposite_mask",
  arg.model("a", "the model that learns"), arg.model("b", "the trained model"), arg.model("c", "what b was trained from"), arg("alpha", 1.0, "strength"),
  arg.choice("mask", { "train", "opposite", "strict" }, "where"),
  function(x)
    local a, b, c = x.a, x.b, x.c
    local masks = {
      train    = function() return 1.8 * ratio((b - a):abs(), (b - a):abs() + (b - c):abs()) end,
      opposite = function() return 2 * ratio((a - b):abs(), (a - b):abs() + (a + b - 2 * c):abs()) end,
      strict   = function() return 2 * ratio((c - a) * (b - c), max { (a - c):abs(), (b - c):abs() } ^ 2):atleast(0) end,
    }
    return a + x.alpha * masks[x.mask]() * (b - c)
  end,
}
