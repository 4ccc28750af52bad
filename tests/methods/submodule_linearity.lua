return recipe {
  "Merging by linear submodules: of each linear layer the weights of the task vectors whose outputs are nearest to those of all experts, in closed form.",
  paper = "Dai et al. 2025, arXiv:2504.10902",
  arg.model("base", "theta_0"), arg.models("experts", "theta_t, as many as files of data", { min = 1 }), arg("ridge", 1e-6, "added to the diagonal, as a share of it", { min = 0 }),
  arg.calibration(),
  function(a)
    local tau = a.experts - a.base
    local G = a.experts:map(function(m, i) return gram(m, a.data[i]) end)
    local own = tau:map(function(t) return t:only(G[1]) end)
    -- The dot product of what changes i and j make of the inputs of task t.
    local function pair(i, j, t) return dot(matmul(own[i], G[t]), own[j]) end
    local function over_tasks(f)
      local all = 0
      for t = 1, #tau do all = all + f(t) end
      return all
    end
    local A, b = {}, {}
    for i = 1, #tau do
      A[i], b[i] = {}, over_tasks(function(t) return pair(i, t, t) end)
      for j = 1, #tau do
        A[i][j] = over_tasks(function(t) return pair(i, j, t) end)
        if i == j then A[i][j] = A[i][j] * (1 + a.ridge) end
      end
    end
    return a.base + mean(tau):with(sum(solve(A, b) * own))
  end,
}
