return recipe {
  "smoothAdd: a difference whose outliers a median of 3 x 3 neighbours takes away and a Gaussian of deviation 1 smooths.",
  paper = "supermerger, smoothAdd (median_filter of size 3, gaussian_filter of sigma 1, edges mirrored)",
  arg.model("a", "A"), arg.model("b", "B"), arg.model("c", "C"), arg("alpha", 0.5, "weight of the difference"),
  function(a)
    local function shifted(t, by)                         -- along the first dimension, mirrored at its edges: b a | a b c | c b
      local n, rows = t.shape[1], {}
      for i = 0, n - 1 do
        local k = (i + by) % (2 * n)
        rows[i + 1] = k < n and k or 2 * n - 1 - k
      end
      return t:gather(rows)
    end
    local weights, total = {}, 0
    for k = -4, 4 do weights[k] = math.exp(-k * k / 2) total = total + weights[k] end
    local function gaussian(n)                            -- [n, n]: every row a bell around its diagonal
      local one, bell = constant(1, { n, n }):diagonal(), 0
      for k = -4, 4 do bell = bell + weights[k] / total * shifted(one, k) end
      return bell
    end
    return a.a + (a.b - a.c):map(function(t)
      local x, near = #t.shape < 2 and t:reshape { t.shape[1], 1 } or t, {}
      for i = -1, 1 do
        for k = -1, 1 do near[#near + 1] = x.shape[2] > 1 and shifted(shifted(x, i):T(), k):T() or k == 0 and shifted(x, i) or nil end
      end
      local smooth = matmul(matmul(gaussian(x.shape[1]), median(near)), gaussian(x.shape[2]):T())
      return a.alpha * (#t.shape < 2 and smooth:reshape { t.shape[1] } or smooth)
    end)
  end,
}
