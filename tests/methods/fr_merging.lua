return recipe {
  "FR-Merging: of each task vector the low frequencies of its Fourier transform are taken away, which are what interferes.",
  paper = "Zheng and Wang 2024, arXiv:2411.16815",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t", { min = 1 }), arg("cut", 2, "the lowest frequency kept, of rows and of columns", { min = 1, whole = true }),
  arg("scale", 1.0, "lambda"),
  function(a)
    -- Orthonormal waves of n points with a frequency below the cut, in rows.
    local function waves(n)
      local at, rows = constant(2 * math.pi / n, {1, n}):cumulative(), { constant(n ^ -0.5, {1, n}) }
      for k = 1, math.min(a.cut, (n + 1) // 2) - 1 do
        rows[#rows + 1] = (k * at):cos() * (2 / n) ^ 0.5
        rows[#rows + 1] = (k * at):sin() * (2 / n) ^ 0.5
      end
      return join{rows, along = "row"}
    end
    local high = (a.experts - a.base):matrices():map(function(tau)
      return tau:map(function(t)
        local r, c = waves(t.shape[1]), waves(t.shape[2])
        local low = matmul(matmul(r, t), c:T())
        return t - matmul(matmul(r:T(), low), c)
      end)
    end)
    return a.base + a.scale * mean(a.experts - a.base):with(mean(high))
  end,
}
