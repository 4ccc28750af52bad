return recipe {
  "Arcee Fusion: of a second model take the elements whose change matters most: its size times how far its row's distribution moves.",
  paper = "mergekit arcee_fusion",
  arg.model("base", "the model that stays where the change matters little"),
  arg.model("model", "the model whose important elements replace it"),
  function(a)
    local x, row    = a.model, { per = "row" }
    local p, q      = x:as("f64"):softmax(row) + 1e-8, a.base:as("f64"):softmax(row) + 1e-8
    local divergent = (p * (p / q):log()):total(row)
    local matters   = (x - a.base):abs() * divergent
    local middle, upper, lower = matters:quantile(0.5), matters:quantile(0.75), matters:quantile(0.25)
    return where(matters:ge(middle + 1.5 * (upper - lower)), x, a.base)
  end,
}
