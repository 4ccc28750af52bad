-- Of the Gram matrix alpha beside the diagonal; a little of the identity, so that a column which no data reaches becomes the plain average.
local function shrunk(g, alpha)
  local d = g:diagonal()
  return alpha * g + (1 - alpha) * d + 1e-6 * d:peak() * (0 * g + 1):diagonal()
end

return recipe {
  "RegMean: for every linear layer the weights whose outputs come nearest to those of each expert on its own data, by least squares.",
  paper = "Jin et al. 2023, arXiv:2212.09849",
  arg.models("experts", "W_i, fine-tunes of one model; --data names one file for each, in their order", { min = 2 }),
  arg       ("alpha", 0.9, "factor of the Gram matrices' elements off the diagonal", { min = 0, max = 1 }),
  arg.models("grams", "in the place of --data what `moonweld stats --find gram` has written, one file an expert", { optional = true }),
  arg.calibration(),
  function(a)
    local n, given = #a.experts, math.max(#a.grams, #a.data)
    assert(given == n, ("one file an expert, by --data or --grams: %d files, not %d"):format(n, given))
    local G = #a.grams > 0 and a.grams or a.experts:map(function(m, i) return gram(m, a.data[i]) end)
    G = G:map(function(g) return shrunk(g, a.alpha) end)
    local W = a.experts:map(function(m) return m:only(G[1]) end)
    local left, right = sum(G), sum(matmul(G, W:T()))
    local r = ratio(1, left:diagonal():sqrt())   -- left with a diagonal of ones is better conditioned
    local X = matmul(r, solve(matmul(r, matmul(left, r)), matmul(r, right)))
    return mean(a.experts):with(X:T())
  end,
}
