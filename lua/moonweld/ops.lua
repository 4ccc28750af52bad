--- ops.lua: everything element by element, reductions, and what goes across models (recipes.md, "Vocabulary").
local core = ...
local V = core.module("value")
local word = core.module("word").word
local lift, op, fail, kind = V.lift, V.op, V.fail, V.kind
local methods, data = V.methods, V.data
local O = {}

--- An operation of the graph, on tensors, models and lists.
local function lifted(name)
  local f = op(name)
  return function(...) return (lift(f, ...)) end
end

local function swapped(name)
  local f = op(name)
  return function(a, b) return (lift(f, b, a)) end
end

for _, name in ipairs { "tensor", "model", "list", "field", "flat", "seed" } do V.meta_of(name) end
local two = { ["+"] = "__add", ["-"] = "__sub", ["*"] = "__mul", ["/"] = "__div", ["^"] = "__pow", ["&"] = "__band", ["|"] = "__bor" }
local one = { ["-"] = "__unm", ["~"] = "__bnot" }

--- An operator of every kind of value.
local function operator(event, name, unary)
  local f = op(name)
  local function apply_one(a) return (lift(f, a)) end
  local function apply_two(a, b) return (lift(f, a, b)) end
  for _, meta in pairs(V.metas) do meta[event] = unary and apply_one or apply_two end
end

-- Every elementwise operation, as it is written (base/elementwise.def): an operator, a method of values, or a function.
for _, entry in ipairs(core.elementwise) do
  local name, written, kind_of = entry[1]:lower(), entry[2], entry[3]
  local between, before, alone = written:match "^x (%p) y$", written:match "^(%p)x$", written:match "^(%l+)%("
  if between then operator(two[between], name)
  elseif before then operator(one[before], name, true)
  else
    local f = word(written, lifted(name))
    if alone then O[alone] = f end
    if kind_of == "MASK" then V.lazy[written:match "(%l+)%("] = "mask" end
  end
end

word("x:gt(y)", swapped "lt")
word("x:ge(y)", swapped "le")
V.lazy.gt, V.lazy.ge = "mask", "mask"
word("x:clamp(low, high)", function(x, low, high)
  return (lift(function(t, least, most)
    if type(least) == "number" and type(most) == "number" and least > most then fail("clamp(low, high): %s is above %s", tostring(least), tostring(most)) end
    return (op "min" (op "max" (t, least), most))
  end, x, low, high))
end)
word("x:keep(mask)", function(x, mask) return (O.where(mask, x, 0)) end)

--- (1 - t) * a + t * b
O.lerp = word("lerp(a, b, t)", function(a, b, t)
  return (lift(function(x, y, s)
    if s == 0 then return x elseif s == 1 then return y end
    local rest = type(s) == "number" and 1 - s or op "sub" (1, s)
    return (op "add" (op "mul" (rest, x), op "mul" (s, y)))
  end, a, b, t))
end)

word("x:scale_columns(c)", function(x, c)
  if type(c) == "table" and kind(c) == "table" then fail("scale_columns takes a tensor of one number for each column") end
  return (lift(function(tensor, columns)
    return core.module("matrices").scaled(tensor, columns, "by_column") or core.apply("columns", tensor, core.apply("vector", columns))
  end, x, c))
end)

word("x:scale_rows(c)", function(x, c)
  if type(c) == "table" and kind(c) == "table" then fail("scale_rows takes a tensor of one number for each row") end
  return (lift(function(tensor, rows)
    return core.module("matrices").scaled(tensor, rows, "by_row") or fail("scale_rows takes a tensor of one number for each row, not %s", V.called(rows))
  end, x, c))
end)

--- As a result it may weigh any number of models, or none: a delta, a mask, a moment. What is computed from it weighs again.
word("x:unweighed()", function(x)
  return (lift(function(t)
    V.unweighed[core.id(t)] = true
    return t
  end, x))
end)

-- ---- reductions ----

local function square_sum(x) return (core.apply("dot", x, x)) end
local function norm(x) return (core.apply("sqrt", square_sum(x))) end

local reductions = {
  total = function(x) return (core.apply("total", x)) end,
  mean = function(x) return (core.apply("div", core.apply("total", x), core.elements(x))) end,
  norm = norm,
  peak = function(x) return (core.apply("peak", x)) end,
  dot = function(x, y) return (core.apply("dot", x, y)) end,
  cosine = function(x, y) return (core.apply("ratio", core.apply("dot", x, y), core.apply("mul", norm(x), norm(y)))) end,
}
for name, f in pairs(reductions) do
  local pair = name == "dot" or name == "cosine"
  word("x:" .. name .. (pair and "(y)" or "()"), function(...) return (lift(f, ...)) end)
end

--- Rank of the q-quantile's lower neighbour among `count` values, from 0.
local function quantile_rank(q, count)
  if type(q) ~= "number" or not (q >= 0 and q <= 1) then fail("a quantile is a plain number from 0 to 1") end
  return (math.floor(q * (count - 1)))
end

local function kth_rank(k, count)
  if math.type(k) == "float" and k == math.floor(k) then k = math.floor(k) end
  if math.type(k) ~= "integer" or k < 1 or k > count then fail("'kth_magnitude' takes a whole number from 1 to %d", count) end
  return count - k
end

local function quantile(x, q) return (core.apply("quantile", { x }, quantile_rank(q, core.elements(x)))) end
local function kth_magnitude(x, k) return (core.apply("kth", { x }, kth_rank(k, core.elements(x)))) end
word("x:quantile(q)", function(x, q) return (lift(quantile, x, q)) end)
word("x:kth_magnitude(k)", function(x, k) return (lift(kth_magnitude, x, k)) end)
for _, name in ipairs { "total", "mean", "norm", "peak", "dot", "cosine", "quantile", "kth_magnitude" } do V.lazy[name] = "number" end

-- ---- the model as one vector ----

word("x:flat()", function(x)
  if kind(x) == "list" then
    local items = {}
    for i, item in ipairs(data(x).items) do items[i] = methods.flat(item) end
    return (V.list(items))
  end
  if kind(x) ~= "model" then return (fail("only a model is flattened, not %s", V.called(x))) end
  local list, elements = {}, 0
  for i, name in ipairs(data(x).names) do
    list[i] = data(x).nodes[name]
    elements = elements + core.elements(list[i])
  end
  return (V.new("flat", { list = list, elements = elements }))
end)

local function fold(name, list, f)
  local result
  for _, node in ipairs(list) do
    local part = f(node)
    result = result and core.apply(name, result, part) or part
  end
  return result
end

local function flat_total(x) return (fold("add", data(x).list, reductions.total)) end
local function flat_norm(x) return (core.apply("sqrt", fold("add", data(x).list, square_sum))) end
local function flat_dot(x, y)
  local a, b = kind(x) == "flat" and data(x).list, kind(y) == "flat" and data(y).list
  if not a or not b or #a ~= #b then fail("'dot' and 'cosine' of a flat model need another one like it") end
  local result
  for i, node in ipairs(a) do
    local part = core.apply("dot", node, b[i])
    result = result and core.apply("add", result, part) or part
  end
  return result
end

V.of_flat[reductions.total], V.of_flat[reductions.norm], V.of_flat[reductions.dot] = flat_total, flat_norm, flat_dot
V.of_flat[reductions.mean] = function(x) return (core.apply("div", flat_total(x), data(x).elements)) end
V.of_flat[reductions.peak] = function(x) return (fold("max", data(x).list, reductions.peak)) end
V.of_flat[reductions.cosine] = function(x, y) return (core.apply("ratio", flat_dot(x, y), core.apply("mul", flat_norm(x), flat_norm(y)))) end
V.of_flat[quantile] = function(x, q) return (core.apply("quantile", data(x).list, quantile_rank(q, data(x).elements))) end
V.of_flat[kth_magnitude] = function(x, k) return (core.apply("kth", data(x).list, kth_rank(k, data(x).elements))) end

-- ---- across models ----

local weights = "weights multiply: sum(w * list) / sum(w)"
for name, instead in pairs { sum = weights, min = "x:atmost(v) is the smaller of two", max = "x:atleast(v) is the larger of two" } do
  local f = op(name == "sum" and "add" or name)
  O[name] = word(name .. "(list)", function(list)
    local items = V.items(list)
    if #items == 0 then return (fail("'%s' of an empty list", name)) end
    local result = items[1]
    for i = 2, #items do result = lift(f, result, items[i]) end
    return result
  end, instead)
end
O.mean = word("mean(list)", function(list) return (lift(op "div", O.sum(list), #V.items(list))) end, weights)

O.models = word("models{...}", function(items)
  if kind(items) ~= "table" and kind(items) ~= "list" then return (fail("models{...} takes models in braces, not %s", V.called(items))) end
  return (V.list(items))
end)

V.meta_of("list").__concat = function(a, b)
  local items = {}
  for _, side in ipairs { V.list(a), V.list(b) } do
    for _, item in ipairs(data(side).items) do items[#items + 1] = item end
  end
  return (V.list(items))
end

return O
