return recipe {
  "OrthoMerge: each expert is the base turned, and a rest; turns are averaged as skew matrices, at the mean of their lengths, rests as they are.",
  paper = "arXiv:2602.05943 (G with task arithmetic)",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("scale", 0.5, "of the sum of rests"),
  function(a)
    local W = a.base:matrices()
    local function eye(x) return (x * 0 + 1):diagonal() end
    local function cayley(q) return solve(eye(q) - q, eye(q) + q) end
    local skew = a.experts:map(function(e)
      local R = orthogonal(matmul(W:T(), e:matrices()))                    -- W R is nearest to the expert
      local q = solve(R + eye(R), R - eye(R))
      return (q - q:T()) / 2
    end)
    local rest = sum(a.experts:map(function(e, t) return e:matrices() - matmul(W, cayley(skew[t])) end))
    local Q = ratio(mean(skew:norm()), sum(skew):norm()) * sum(skew)
    return (a.base + a.scale * sum(a.experts - a.base)):with(matmul(W, cayley(Q)) + a.scale * rest)
  end,
}
