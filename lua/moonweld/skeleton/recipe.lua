-- NAME.lua: say here what the method is for, and where it comes from. Try it:
--
--   moonweld NAME --help                                            what it takes
--   moonweld plan NAME --base BASE --experts A B                    what it would read and write
--   moonweld NAME --base BASE --experts A B --scale 0.8 -o OUT      the merge
--
-- A recipe sees no numbers: it says what every tensor of the result is, and moonweld computes that, tensor by tensor. So
-- `a.base`, a whole model, is used like one number. The README has the words, recipes/README.md the recipes that are built in.
return recipe {
  "Adds the mean of what the experts have learned to their base.",
  -- paper = "Author 2026, title, where",
  arg.model ("base",    "the model that all experts began with"),
  arg.models("experts", "its fine-tunes", { min = 1 }),
  arg       ("scale",   1.0, "how much of the change is added", { min = 0, max = 2 }),
  -- arg.each("weight", 1.0, "one number for all experts or one each"),
  -- arg.choice("per", { "tensor", "model" }, "over what magnitudes are ranked"),
  -- arg.seed(),                                       what a.seed is for: x:drop_rescale(0.5, a.seed)
  function(a)
    local tau = a.experts - a.base                    -- a list: what each expert has changed
    -- tau = tau:keep_top(0.2)                           only the fifth of it that is largest
    -- tau = tau * tau:norm():gt(0)                      numbers of a tensor, as they will be
    return a.base + a.scale * mean(tau)
  end,
}
