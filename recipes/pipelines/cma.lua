--- cma.lua: CMA-ES, an evolution strategy that learns in which directions steps are worth while (Hansen 2016, arXiv:1604.00772; the names
--- are the tutorial's). `cma(start, width, generations, loss)` walks from the list `start`, with first steps of about `width`, and gives the
--- best list and its loss; `tell(line)`, or else print, is told of each generation. The numbers that it draws are the same in every run, so
--- with a journal of losses it goes on where it stopped.

local function normal() return math.sqrt(-2 * math.log(1 - math.random())) * math.cos(2 * math.pi * math.random()) end

--- The eigenvalues w and eigenvectors V (columns) of a symmetric matrix, by Jacobi's rotations.
local function eigen(C)
  local n, A, V = #C, {}, {}
  for i = 1, n do
    A[i], V[i] = table.move(C[i], 1, n, 1, {}), {}
    for j = 1, n do V[i][j] = i == j and 1 or 0 end
  end
  for _ = 1, 30 do
    local off = 0
    for p = 1, n - 1 do
      for q = p + 1, n do
        off = off + A[p][q] ^ 2
        if A[p][q] ~= 0 then
          local theta = (A[q][q] - A[p][p]) / (2 * A[p][q])
          local t = (theta >= 0 and 1 or -1) / (math.abs(theta) + math.sqrt(theta ^ 2 + 1))
          local c = 1 / math.sqrt(t ^ 2 + 1)
          local s = t * c
          for k = 1, n do A[k][p], A[k][q] = c * A[k][p] - s * A[k][q], s * A[k][p] + c * A[k][q] end
          for k = 1, n do A[p][k], A[q][k] = c * A[p][k] - s * A[q][k], s * A[p][k] + c * A[q][k] end
          for k = 1, n do V[k][p], V[k][q] = c * V[k][p] - s * V[k][q], s * V[k][p] + c * V[k][q] end
        end
      end
    end
    if off < 1e-24 then break end
  end
  local w = {}
  for i = 1, n do w[i] = math.max(A[i][i], 1e-20) end
  return w, V
end

return function(start, width, generations, loss, tell)
  tell = tell or print
  math.randomseed(0)
  local n, m, sigma = #start, table.move(start, 1, #start, 1, {}), width
  local lambda = 4 + math.floor(3 * math.log(n))
  local mu, weights, sum, squares = lambda // 2, {}, 0, 0
  for i = 1, mu do weights[i] = math.log(lambda / 2 + 0.5) - math.log(i) sum = sum + weights[i] end
  for i = 1, mu do weights[i] = weights[i] / sum squares = squares + weights[i] ^ 2 end
  local mueff = 1 / squares
  local cc, cs = (4 + mueff / n) / (n + 4 + 2 * mueff / n), (mueff + 2) / (n + mueff + 5)
  local c1 = 2 / ((n + 1.3) ^ 2 + mueff)
  local cmu = math.min(1 - c1, 2 * (mueff - 2 + 1 / mueff) / ((n + 2) ^ 2 + mueff))
  local damps = 1 + 2 * math.max(0, math.sqrt((mueff - 1) / (n + 1)) - 1) + cs
  local chi = math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n ^ 2))
  local C, pc, ps = {}, {}, {}
  for i = 1, n do
    C[i], pc[i], ps[i] = {}, 0, 0
    for j = 1, n do C[i][j] = i == j and 1 or 0 end
  end
  local best, least = m, loss(m)
  for generation = 1, generations do
    local w, V = eigen(C)
    local tried = {}
    for k = 1, lambda do -- y = V sqrt(w) z, x = m + sigma y
      local z, y, x = {}, {}, {}
      for i = 1, n do z[i] = math.sqrt(w[i]) * normal() end
      for i = 1, n do
        y[i] = 0
        for j = 1, n do y[i] = y[i] + V[i][j] * z[j] end
        x[i] = m[i] + sigma * y[i]
      end
      tried[k] = { x = x, y = y, loss = loss(x), k = k }
      if tried[k].loss < least then best, least = x, tried[k].loss end
    end
    table.sort(tried, function(a, b) return a.loss < b.loss or a.loss == b.loss and a.k < b.k end)
    local step, whitened, length = {}, {}, 0
    for i = 1, n do
      step[i] = 0
      for k = 1, mu do step[i] = step[i] + weights[k] * tried[k].y[i] end
      m[i] = m[i] + sigma * step[i]
    end
    for j = 1, n do -- C^(-1/2) step
      local along = 0
      for i = 1, n do along = along + V[i][j] * step[i] end
      for i = 1, n do whitened[i] = (whitened[i] or 0) + V[i][j] * along / math.sqrt(w[j]) end
    end
    for i = 1, n do
      ps[i] = (1 - cs) * ps[i] + math.sqrt(cs * (2 - cs) * mueff) * whitened[i]
      length = length + ps[i] ^ 2
    end
    length = math.sqrt(length)
    local h = length / math.sqrt(1 - (1 - cs) ^ (2 * generation)) < (1.4 + 2 / (n + 1)) * chi and 1 or 0
    for i = 1, n do pc[i] = (1 - cc) * pc[i] + h * math.sqrt(cc * (2 - cc) * mueff) * step[i] end
    for i = 1, n do
      for j = 1, n do
        local rank = 0
        for k = 1, mu do rank = rank + weights[k] * tried[k].y[i] * tried[k].y[j] end
        C[i][j] = (1 - c1 - cmu) * C[i][j] + c1 * (pc[i] * pc[j] + (1 - h) * cc * (2 - cc) * C[i][j]) + cmu * rank
      end
    end
    sigma = sigma * math.exp(cs / damps * (length / chi - 1))
    tell(("generation %d: best loss %.4f, this one's %.4f, step %.3g"):format(generation, least, tried[1].loss, sigma))
  end
  return best, least
end
