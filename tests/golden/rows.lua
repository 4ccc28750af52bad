return recipe {
  "Uses everything along rows, so that one digest pins it all.",
  arg.model("a", "a model"),
  arg.model("b", "another"),
  arg.seed(),
  function(a)
    local x, y, row = a.a, a.b, { per = "row" }
    local unit   = (x - x:mean(row)) / x:std(row):atleast(0.001)
    local turned = x:dot(y, row) * unit + x:cosine(y, row):acos() * y:softmax(row)
    local picked = where(x:gt(x:quantile(0.4, row)), x:max(row), y:min(row)) + y:argmax(row) * 0.001 + y:peak { of = 2 }
    local kept   = x:keep_top(0.3, row) + x:keep_top(1, { of = 2 }) + x:keep_top(0.2, { per = "row", count = "exact" })
    local drawn  = y:keep(y:bernoulli(x:abs():rank(row), a.seed)) + x:rank() + x:as("bf16") + x:round()
    local lazy   = y:keep_top(x:norm(row):mean():atmost(0.5), { count = "exact" }) + x:max() * y:argmax() * 1e-6
    return x + 0.01 * (turned + picked + kept + drawn + lazy)
  end,
}
