return recipe {
  "Low frequencies of a, high ones of b: each matrix is taken as a picture. A Fourier transform is a product with a matrix of cosines and sines.",
  paper = "sd-mecha: crossover",
  arg.model("a", "its low frequencies"), arg.model("b", "its high ones"), arg("alpha", 0.5, "share of high ones", { min = 0, max = 1 }),
  arg("tilt", 0.0, "0: a sharp cut, 1: a weighted sum", { min = 0, max = 1 }),
  function(a)
    local function place(m, n) return constant(1, { m, n }):cumulative() - 1 end      -- of each element its column
    local function turn(n)                                                            -- of n places: cosines, sines
      local angle = place(n, n) * place(n, n):T()
      angle = (angle - n * (angle / n):floor()) * (2 * math.pi / n)
      return angle:cos(), angle:sin()
    end
    local function crossed(d, sides)
      local m, n = d.shape[1], d.shape[2]
      local i, j = place(n, m):T(), place(m, n)
      i, j = min { i, m - i } / math.max(m // 2, 1), min { j, n - j } / math.max(n // 2, 1)
      local mesh, turned = ((i:square() + j:square()) / sides):sqrt(), math.pi * a.tilt / 2
      local filter = a.tilt < 1e-10 and mesh:gt(1 - a.alpha) or ((mesh + a.alpha - 1) * (math.cos(turned) / math.sin(turned)) + a.alpha):clamp(0, 1)
      local c, s = turn(m)
      local C, S = turn(n)
      local x, y = matmul(c, d), matmul(s, d)
      x, y = filter * (matmul(x, C) - matmul(y, S)), filter * (matmul(x, S) + matmul(y, C))
      x, y = matmul(c, x) + matmul(s, y), matmul(c, y) - matmul(s, x)
      return (matmul(x, C) + matmul(y, S)) / (m * n)
    end
    if a.alpha == 0 or a.alpha == 1 or a.tilt == 1 then return lerp(a.a, a.b, a.alpha) end
    local d = a.b - a.a
    return a.a + d:map(function(t)
      if #t.shape == 2 then return crossed(t, 2) end
      return crossed(t:reshape { 1, t.shape[1] }, 1):reshape(t.shape)
    end)
  end,
}
