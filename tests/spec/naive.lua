--- naive.lua: networks in plain loops over plain tables, as the papers write them: what src/learn and the forward passes
-- of lua/moonweld/arch are held against. A matrix is a list of rows; everything is computed in doubles.
local naive = {}

local function map(x, f)
  local y = {}
  for i, row in ipairs(x) do
    y[i] = {}
    for j, v in ipairs(row) do y[i][j] = f(v, i, j) end
  end
  return y
end
naive.map = map

function naive.linear(x, w, b)
  local y = {}
  for i, row in ipairs(x) do
    y[i] = {}
    for o, weights in ipairs(w) do
      local sum = b and b[o] or 0
      for j, v in ipairs(row) do sum = sum + v * weights[j] end
      y[i][o] = sum
    end
  end
  return y
end

function naive.add(x, y) return map(x, function(v, i, j) return v + y[i][j] end) end
function naive.mul(x, y) return map(x, function(v, i, j) return v * y[i][j] end) end

--- Runs of #g values.
function naive.rms_norm(x, g, eps)
  return map(x, function(v, i, j)
    local m, first, sum = #g, (j - 1) // #g * #g, 0
    for k = 1, m do sum = sum + x[i][first + k] ^ 2 end
    return v / math.sqrt(sum / m + eps) * g[(j - 1) % m + 1]
  end)
end

function naive.layer_norm(x, g, b, eps)
  return map(x, function(v, i, j)
    local n, mean, var = #x[i], 0, 0
    for k = 1, n do mean = mean + x[i][k] / n end
    for k = 1, n do var = var + (x[i][k] - mean) ^ 2 / n end
    return (v - mean) / math.sqrt(var + eps) * g[j] + b[j]
  end)
end

--- Position 0 is row 1; of every head of d values, (j, j + d/2) turn by position * f_j.
function naive.rope(x, f)
  local half = #f
  return map(x, function(v, i, j)
    local k = (j - 1) % (2 * half)
    local angle = (i - 1) * f[k % half + 1]
    local other = k < half and -x[i][j + half] or x[i][j - half]
    return v * math.cos(angle) + other * math.sin(angle)
  end)
end

function naive.attention(q, k, v, heads, groups, window)
  local d, y = #q[1] // heads, {}
  for i = 1, #q do
    y[i] = {}
    for h = 0, heads - 1 do
      local g = h // (heads // groups)
      local first, scores, total = window > 0 and math.max(1, i - window + 1) or 1, {}, 0
      for p = first, i do
        local dot = 0
        for c = 1, d do dot = dot + q[i][h * d + c] * k[p][g * d + c] end
        scores[p] = math.exp(dot / math.sqrt(d))
        total = total + scores[p]
      end
      for c = 1, d do
        local sum = 0
        for p = first, i do sum = sum + scores[p] / total * v[p][g * d + c] end
        y[i][h * d + c] = sum
      end
    end
  end
  return y
end

function naive.silu(x) return map(x, function(v) return v / (1 + math.exp(-v)) end) end
function naive.gelu_tanh(x)
  return map(x, function(v)
    local t = math.exp(2 * math.sqrt(2 / math.pi) * (v + 0.044715 * v ^ 3))
    return 0.5 * v * (1 + (t - 1) / (t + 1))
  end)
end
--- By the series of erf, good to 1e-12 for |v| < 4.
function naive.gelu_erf(x)
  return map(x, function(v)
    local z, term, sum = v / math.sqrt(2), v / math.sqrt(2), 0
    for n = 0, 80 do
      sum = sum + term / (2 * n + 1)
      term = -term * z * z / (n + 1)
    end
    return 0.5 * v * (1 + 2 / math.sqrt(math.pi) * sum)
  end)
end

function naive.log_softmax(x)
  local y = {}
  for i, row in ipairs(x) do
    local most, sum = math.max(table.unpack(row)), 0
    for _, v in ipairs(row) do sum = sum + math.exp(v - most) end
    y[i] = {}
    for j, v in ipairs(row) do y[i][j] = v - most - math.log(sum) end
  end
  return y
end
function naive.softmax(x) return map(naive.log_softmax(x), math.exp) end

--- Means over rows; ids are those of the window, from 0.
function naive.cross_entropy(logits, ids)
  local logs, sum = naive.log_softmax(logits), 0
  for p = 1, #ids - 1 do sum = sum - logs[p][ids[p + 1] + 1] end
  return sum / (#ids - 1)
end
function naive.kl(teacher, student, t)
  local a, b, sum = naive.log_softmax(map(teacher, function(v) return v / t end)), naive.log_softmax(map(student, function(v) return v / t end)), 0
  for i, row in ipairs(a) do for j, v in ipairs(row) do sum = sum + math.exp(v) * (v - b[i][j]) end end
  return t * t * sum / #a
end
function naive.entropy(logits)
  local sum = 0
  for _, row in ipairs(naive.log_softmax(logits)) do for _, v in ipairs(row) do sum = sum - math.exp(v) * v end end
  return sum / #logits
end
function naive.mse(x, y)
  local sum = 0
  for i, row in ipairs(x) do for j, v in ipairs(row) do sum = sum + (v - y[i][j]) ^ 2 end end
  return sum / #x / #x[1]
end

--- The decoder that all carried architectures are variants of. `w(name)` gives a matrix or a vector, or nil. c.reads(name, x) and
--- c.enters(layer, x) are told what linear layers and what layers read.
function naive.decoder(w, ids, c)
  local f = {}
  for j = 0, c.d // 2 - 1 do f[j + 1] = c.stretch(c.theta ^ (-2 * j / c.d)) end
  local function project(x, name)
    if c.reads then c.reads(name .. ".weight", x) end
    return naive.linear(x, w(name .. ".weight"), w(name .. ".bias"))
  end
  local function norm(x, name)
    local g = { table.unpack(w(name .. ".weight")) }
    for i, v in ipairs(g) do g[i] = v + (c.unit or 0) end
    return naive.rms_norm(x, g, c.eps)
  end
  local x, scale = {}, c.scale or 1
  for i, id in ipairs(ids) do
    x[i] = {}
    for j, v in ipairs(w("model.embed_tokens.weight")[id + 1]) do x[i][j] = v * scale end
  end
  for layer = 0, c.layers - 1 do
    local here = "model.layers." .. layer .. "."
    if c.enters then c.enters(layer, x) end
    local n = norm(x, here .. "input_layernorm")
    local q, k, v = project(n, here .. "self_attn.q_proj"), project(n, here .. "self_attn.k_proj"), project(n, here .. "self_attn.v_proj")
    if w(here .. "self_attn.q_norm.weight") then q, k = norm(q, here .. "self_attn.q_norm"), norm(k, here .. "self_attn.k_norm") end
    local seen = naive.attention(naive.rope(q, f), naive.rope(k, f), v, c.heads, c.groups, c.window or 0)
    x = naive.add(x, project(seen, here .. "self_attn.o_proj"))
    n = norm(x, here .. "post_attention_layernorm")
    local gate = (c.act or naive.silu)(project(n, here .. "mlp.gate_proj"))
    x = naive.add(x, project(naive.mul(gate, project(n, here .. "mlp.up_proj")), here .. "mlp.down_proj"))
  end
  x = norm(x, "model.norm")
  if c.reads and w "lm_head.weight" then c.reads("lm_head.weight", x) end
  return naive.linear(x, w "lm_head.weight" or w "model.embed_tokens.weight")
end

return naive
