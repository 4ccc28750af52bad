--- seed.lua: named streams of random numbers. A draw is a function of the seed, the labels and the tensor's name, never
-- of what was drawn before elsewhere; plain numbers drawn while planning are recorded for the lock file.
local core = ...
local V = core.module("value")
local word, meet = core.module("word").word, core.module("meet")
local data, kind, fail = V.data, V.kind, V.fail
local S = {}

local function new(key, path) return (V.new("seed", { key = key, path = path, draws = 0 })) end

function S.root() return (new(core.label(core.seed, "moonweld"), "seed")) end

local function text_of(label)
  if math.type(label) == "integer" then return (string.format("%d", label)) end
  if type(label) == "number" then return label == math.floor(label) and math.abs(label) < 2 ^ 53 and string.format("%d", math.floor(label)) or string.format("%.17g", label) end
  if type(label) == "string" then return label end
  return (fail("a stream is labelled by texts and numbers, not by %s", V.called(label)))
end

local at = word("seed:at(...)", function(s, ...)
  local key, path = data(s).key, data(s).path
  for i = 1, select("#", ...) do
    local text = text_of((select(i, ...)))
    key, path = core.label(key, text), path .. "/" .. text
  end
  return (new(key, path))
end)

local function record(s, what, value)
  core.drawn(data(s).path .. ":" .. what, value)
  return value
end

local function next_draw(s)
  local private = data(s)
  private.draws = private.draws + 1
  return private.draws - 1
end

word("seed:uniform()", function(s) return (record(s, "uniform()", core.uniform(data(s).key, next_draw(s)))) end)

--- A standard normal number, by Box and Muller.
word("seed:normal()", function(s)
  local function uniform() return (core.uniform(data(s).key, next_draw(s))) end
  local radius = math.sqrt(-2 * core.compute("log", uniform()))
  return (record(s, "normal()", radius * core.compute("cos", 2 * math.pi * uniform())))
end)

local function positive(value, what)
  if type(value) ~= "number" or not (value > 0 and value < math.huge) then fail("%s is a positive number", what) end
  return value
end

local function key_of_draw(s)
  local draw = next_draw(s)
  return draw == 0 and data(s).key or core.label(data(s).key, tostring(draw))
end

word("seed:beta(a, b)", function(s, a, b)
  positive(a, "a of beta(a, b)")
  positive(b, "b of beta(a, b)")
  return (record(s, string.format("beta(%.17g, %.17g)", a, b), core.beta(key_of_draw(s), a, b)))
end)

word("seed:dirichlet(n, alpha)", function(s, n, alpha)
  if type(n) ~= "number" or not (n >= 1 and n <= 65536) or n ~= math.floor(n) then fail("n of dirichlet(n, alpha) is a whole number from 1 to 65536") end
  positive(alpha, "alpha of dirichlet(n, alpha)")
  local parts = core.dirichlet(key_of_draw(s), math.floor(n), alpha)
  for i, part in ipairs(parts) do record(s, string.format("dirichlet(%d, %.17g)[%d]", n, alpha, i), part) end
  return (V.list(parts))
end)

local draws = {} -- the node that was drawn, by a stream's key and a tensor's name

--- A draw for a tensor: operands, then the stream and the tensor's name. The same draw again is the same node; another one of
-- the same stream would repeat its numbers, so that two experts of a loop had one mask.
local function chance(op, s, name, ...)
  local key, operands = data(s).key, { ... }
  operands[#operands + 1], operands[#operands + 2] = key, name
  local node = core.apply(op, table.unpack(operands))
  local drawn, id = draws[key] or {}, core.id(node)
  draws[key] = drawn
  if drawn[name] and drawn[name] ~= id then
    fail("two draws share a stream; name one with a.seed:at(i) (stream '%s'%s)", core.shown(data(s).path), name ~= "" and ", tensor '" .. core.shown(name) .. "'" or "")
  end
  drawn[name] = id
  return node
end

--- Draws over tensors: every member of a list from a stream of its own, every tensor by its name.
local function draw(f, x, p, s)
  if kind(s) ~= "seed" then return (fail("a seed is needed here, such as a.seed:at(\"drop\")")) end
  if kind(x) == "list" then
    local items = {}
    for i, item in ipairs(data(x).items) do
      items[i] = draw(f, item, kind(p) == "list" and data(p).items[i] or p, at(s, i))
    end
    return (V.list(items))
  end
  if kind(x) == "node" then return (f(x, V.at(p, V.current_name), s, V.current_name or "")) end
  if kind(x) ~= "model" then return (fail("random numbers are drawn for tensors, not for %s", V.called(x))) end
  local private, nodes = data(x), {}
  local function drawn(tensor, name)
    local q = kind(p) == "model" and data(p).nodes[name] or V.at(p, name, private.measured)
    return (f(tensor, q, s, name))
  end
  for _, name in ipairs(private.names) do nodes[name] = drawn(private.nodes[name], name) end
  return (V.model(private.names, nodes, private.label, private, meet.stand_in(private, drawn)))
end

--- A probability: a number, a lazy one, or a tensor of one for each element.
local function share(p)
  if type(p) == "number" and not (p >= 0 and p <= 1) then fail("a probability of %s is outside [0, 1]", tostring(p)) end
  if type(p) ~= "number" and kind(p) ~= "node" then fail("a probability is a number or a tensor of numbers, not %s", V.called(p)) end
  return p
end

local function bernoulli(stream, name, t, p)
  local each = kind(share(p)) == "node" and core.is_tensor(p)
  return (chance(each and "bernoulli_each" or "bernoulli", stream, name, t, p))
end

word("x:bernoulli(p, seed)", function(x, p, s)
  return (draw(function(t, q, stream, name) return (bernoulli(stream, name, t, q)) end, x, p, s))
end)

word("x:normal(seed)", function(x, s)
  return (draw(function(t, _, stream, name) return (chance("normal", stream, name, t)) end, x, 0, s))
end)

local rescales = {
  none = function(_, kept) return kept end,
  -- times 1 / (1 - p), one number of the compute type: a product is much faster than a quotient; 0 where all is dropped
  inverse = function(_, kept, q)
    return (core.apply("mul", kept, type(q) == "number" and 1 / (1 - q) or core.apply("ratio", 1, core.apply("sub", 1, q))))
  end,
  -- ||x||_1 / ||kept||_1 of the tensor, none where either is below 1e-7 (mergekit since February 2025)
  l1 = function(x, kept)
    local before, after = core.apply("total", core.apply("abs", x)), core.apply("total", core.apply("abs", kept))
    local large = core.apply("and", core.apply("le", 1e-7, before), core.apply("le", 1e-7, after))
    return (core.apply("mul", kept, core.apply("where", large, core.apply("ratio", before, after), 1)))
  end,
}

--- DARE's drop and rescale: each element is dropped with probability p.
word("x:drop_rescale(p, seed, {rescale=})", function(x, p, s, options)
  local rescale = options and options.rescale or "inverse"
  if not rescales[rescale] then return (fail("rescale = '%s' is none of inverse, l1, none", core.shown(tostring(rescale)))) end
  return (draw(function(t, q, stream, name)
    if share(q) == 0 then return t end
    local dropped = bernoulli(stream, name, t, q)
    local kept = core.apply("where", core.apply("not", dropped), t, 0)
    if q == 1 then return kept end
    return (rescales[rescale](t, kept, q))
  end, x, p, s))
end)

return S
