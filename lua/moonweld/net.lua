--- net.lua: what forward passes are written in. Activations are tensors [tokens, width]; they are computed where `learn`
-- and `moonweld eval` run, never while models stream through. Every activation knows the batch that it belongs to.
local core = ...
local V = core.module("value")
local word = core.module("word").word
local fail, kind, data = V.fail, V.kind, V.data
local N = {}

local batch_of = V.batch_of -- V.op hands it on to what is computed from an activation

local function bits(x) return (string.unpack("<i8", string.pack("<d", x))) end

local function tensor(x, what)
  if kind(x) ~= "node" or not core.is_tensor(x) then return (fail("%s is a tensor, not %s", what, V.called(x))) end
  return x
end

local function activation(x, what)
  tensor(x, what)
  if not batch_of[x] then return (fail("%s is a tensor of a batch, such as embedding(...) gives, not one of a model", what)) end
  return x
end

local function number(value, what)
  if type(value) ~= "number" or value ~= value or math.abs(value) == math.huge then return (fail("%s is a number", what)) end
  return value
end

local function whole(value, what, low, high)
  if type(value) ~= "number" or value ~= math.floor(value) or value < low or value > high then
    return (fail("%s is a whole number from %d to %d", what, low, high))
  end
  return (math.tointeger(value))
end

--- The node of a batch's ids.
local function tokens_of(batch)
  if kind(batch) ~= "batch" then return (fail("a batch is needed here, not %s", V.called(batch))) end
  return data(batch).tokens
end

local function length_of(x) return data(batch_of[x]).length end

local function net(op, batch, operands, a, b)
  local node = core.net(op, operands, a or 0, b or 0)
  if core.is_tensor(node) then batch_of[node] = batch end
  return node
end

--- While statistics are gathered (statistics.lua): linear(x, weight) and embedding(table), told of every call.
N.watch = nil

--- embedding(batch, table[vocabulary, width]) -> [tokens, width]
N.embedding = word("embedding(batch, table)", function(batch, weight)
  if N.watch then N.watch.embedding(weight) end
  return (net("embed", batch, { tokens_of(batch), tensor(weight, "an embedding's table") }))
end)

--- linear(x, weight[out, in], bias[out]) = x * weight^T (+ bias)
N.linear = word("linear(x, weight[, bias])", function(x, weight, bias)
  if N.watch then N.watch.linear(x, weight) end
  local y = net("linear", batch_of[activation(x, "what linear takes")], { x, tensor(weight, "linear's weight") })
  if bias == nil then return y end
  return (net("bias", batch_of[x], { y, tensor(bias, "linear's bias") }))
end)

--- rms_norm(x, gain[m], eps): every run of m values over its root mean square, times the gain.
N.rms_norm = word("rms_norm(x, gain, eps)", function(x, gain, eps)
  return (net("rms_norm", batch_of[activation(x, "what rms_norm takes")], { x, tensor(gain, "rms_norm's gain") }, bits(number(eps, "rms_norm's eps"))))
end)

N.layer_norm = word("layer_norm(x, gain, bias, eps)", function(x, gain, bias, eps)
  return (net("layer_norm", batch_of[activation(x, "what layer_norm takes")],
    { x, tensor(gain, "layer_norm's gain"), tensor(bias, "layer_norm's bias") }, bits(number(eps, "layer_norm's eps"))))
end)

--- rope(x, frequencies): of every head of 2 * #frequencies values, the pair (j, j + half) is turned by position * f_j.
N.rope = word("rope(x, frequencies)", function(x, frequencies)
  local operands = { activation(x, "what rope takes") }
  if type(frequencies) ~= "table" or #frequencies < 1 or #frequencies > 4096 then return (fail("rope takes a table of frequencies")) end
  for j, f in ipairs(frequencies) do operands[j + 1] = core.number(number(f, "a frequency")) end
  return (net("rope", batch_of[x], operands, length_of(x), 2 * #frequencies))
end)

--- attention(q, k, v, { heads =, groups = heads, window = 0 }): causal, scaled by 1 / sqrt(width of a head); `groups` is how
--- many heads k and v have, `window` how many positions back are seen (0: all).
N.attention = word("attention(q, k, v, {heads=, groups=, window=})", function(q, k, v, options)
  local heads = whole(options and options.heads, "attention's 'heads'", 1, 65535)
  local groups = whole(options.groups or heads, "attention's 'groups'", 1, 65535)
  local window = whole(options.window or 0, "attention's 'window'", 0, 0xffffffff)
  return (net("attention", batch_of[activation(q, "attention's q")], { q, activation(k, "attention's k"), activation(v, "attention's v") },
    length_of(q), heads << 48 | groups << 32 | window))
end)

for _, name in ipairs { "silu", "softmax", "log_softmax" } do
  N[name] = word(name .. "(x)", function(x)
    if name == "softmax" and kind(x) == "list" then return (V.shares(x)) end
    return (net(name, batch_of[activation(x, "what " .. name .. " takes")], { x }))
  end)
end

--- gelu(x, "erf" or "tanh")
N.gelu = word("gelu(x[, form])", function(x, form)
  if form ~= nil and form ~= "erf" and form ~= "tanh" then return (fail("gelu's form is 'erf' or 'tanh'")) end
  return (net("gelu", batch_of[activation(x, "what gelu takes")], { x }, form == "tanh" and 1 or 0))
end)

-- ---- losses: one number, the mean over the tokens of a batch; padding counts nowhere ----

local function same_batch(x, y, what)
  local batch = batch_of[activation(x, "what " .. what .. " takes")]
  if batch_of[activation(y, "what " .. what .. " takes")] ~= batch then return (fail("%s compares outputs of one batch", what)) end
  return batch
end

--- T^2 * KL(teacher || student) a token, both softened by the temperature T.
N.kl = word("kl(teacher, student, {temperature=})", function(teacher, student, options)
  local temperature = number(options and options.temperature or 1, "kl's temperature")
  if temperature <= 0 then return (fail("kl's temperature is above 0")) end
  local batch = same_batch(teacher, student, "kl")
  return (net("kl", batch, { teacher, student, tokens_of(batch) }, bits(temperature)))
end)

--- Nats a predicted token: position p predicts the id at p + 1 of its window.
N.cross_entropy = word("cross_entropy(logits[, batch])", function(logits, batch)
  batch = batch or batch_of[activation(logits, "what cross_entropy takes")]
  if batch_of[activation(logits, "what cross_entropy takes")] ~= batch then return (fail("these logits belong to another batch")) end
  return (net("cross_entropy", batch, { logits, tokens_of(batch) }))
end)

N.entropy = word("entropy(logits)", function(logits)
  local batch = batch_of[activation(logits, "what entropy takes")]
  return (net("entropy", batch, { logits, tokens_of(batch) }))
end)

N.mse = word("mse(x, y)", function(x, y)
  local batch = same_batch(x, y, "mse")
  return (net("mse", batch, { x, y, tokens_of(batch) }))
end)

N.whole, N.finite = whole, number
return N
