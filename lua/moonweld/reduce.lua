--- reduce.lua: numbers from tensors. Of a whole tensor or model it is a lazy scalar, found by a pass; of each row (per = "row") or
-- of every n neighbours along one (of = n) a vector, which goes with its tensor in arithmetic and takes no pass. A row is a run
-- of the last dimension: the weights of one output; a tensor of one dimension is one row.
local core = ...
local V = core.module("value")
core.module("ops")
local word = core.module("word").word
local lift, op, fail, kind = V.lift, V.op, V.fail, V.kind
local methods, data = V.methods, V.data
local R = {}

-- ---- what is reduced ----

--- The word of `per`; `of` alone means rows.
function R.per(options, words)
  local given = options and options.per or (options and options.of and "row") or "tensor"
  for _, known in ipairs(words) do if given == known then return given end end
  return (fail("per = '%s' is none of %s%s", core.shown(tostring(given)), table.concat(words, ", "), core.module("suggest").hint(tostring(given), words)))
end

--- How many elements each value is of: a row, or `of` neighbours.
function R.run(x, of)
  if kind(x) ~= "node" or not core.is_tensor(x) then return (fail("there are no rows in %s", V.called(x))) end
  local dims = core.shape(x)
  local last = dims[#dims] or 1
  if of == nil then return last end
  if math.type(of) == "float" and of == math.floor(of) then of = math.floor(of) end
  if math.type(of) ~= "integer" or of < 1 then fail("'of' is a whole number of neighbours from 1") end
  if last % of ~= 0 then fail("rows of %d elements are not made of runs of %d", last, of) end
  return of
end

--- Rank of the q-quantile's lower neighbour among `count` values, from 0.
local function quantile_rank(q, count)
  if type(q) ~= "number" or not (q >= 0 and q <= 1) then fail("a quantile is a plain number from 0 to 1") end
  return (math.floor(q * (count - 1)))
end

-- ---- of a tensor, of its rows ----

local apply = core.apply
local function square_sum(x) return (apply("dot", x, x)) end
local function norm(x) return (apply("sqrt", square_sum(x))) end
local function cosine(xy, xx, yy) return (op "ratio" (xy, op "mul" (op "sqrt" (xx), op "sqrt" (yy)))) end

local tensor = {
  total = function(x) return (apply("total", x)) end,
  mean = function(x) return (apply("div", apply("total", x), core.elements(x))) end,
  norm = norm,
  peak = function(x) return (apply("peak", x)) end,
  max = function(x) return (apply("highest", x)) end,
  min = function(x) return (apply("neg", apply("highest", apply("neg", x)))) end,
  argmax = function(x) return (apply("argmax", x)) end,
  argmin = function(x) return (apply("argmax", apply("neg", x))) end,
  dot = function(x, y) return (op "dot" (x, y)) end,
  cosine = function(x, y) return (apply("ratio", op "dot" (x, y), apply("mul", norm(x), norm(y)))) end,
  quantile = function(x, q) return (apply("quantile", { x }, quantile_rank(q, core.elements(x)))) end,
}

-- ... and of whole models, one operation after the other.
local steps = V.in_steps
steps[tensor.total] = function(x) return (lift(op "total", x)) end
steps[tensor.peak] = function(x) return (lift(op "peak", x)) end
steps[tensor.dot] = function(x, y) return (lift(op "dot", x, y)) end
steps[tensor.norm] = function(x) return (lift(op "sqrt", lift(op "dot", x, x))) end
steps[tensor.cosine] = function(x, y) return (lift(op "ratio", lift(op "dot", x, y), lift(op "mul", lift(tensor.norm, x), lift(tensor.norm, y)))) end

--- The same of runs of n elements.
local row = {
  total = function(x, n) return (op "row_total" (x, n, 0)) end,
  mean = function(x, n) return (op "div" (op "row_total" (x, n, 0), n)) end,
  norm = function(x, n) return (op "sqrt" (op "row_dot" (x, x, n, 0))) end,
  peak = function(x, n) return (op "row_max" (op "abs" (x), n, 0)) end,
  max = function(x, n) return (op "row_max" (x, n, 0)) end,
  min = function(x, n) return (op "row_min" (x, n, 0)) end,
  argmax = function(x, n) return (op "row_argmax" (x, n, 0)) end,
  argmin = function(x, n) return (op "row_argmax" (op "neg" (x), n, 0)) end,
  dot = function(x, n, y) return (op "row_dot" (x, y, n, 0)) end,
  cosine = function(x, n, y) return (cosine(op "row_dot" (x, y, n, 0), op "row_dot" (x, x, n, 0), op "row_dot" (y, y, n, 0))) end,
  quantile = function(x, n, q) return (op "row_quantile" (x, n, quantile_rank(q, n))) end,
}

--- A vector's rows and columns are those of its values.
local function plain(x)
  if kind(x) == "node" and core.is_vector(x) then return (assert(core.values(x))) end
  return x
end

--- f(x, n, ...) of the rows of whatever x is; a tensor without elements has 0.
local function along(f, of, x, ...)
  return (lift(function(t, other)
    t, other = plain(t), plain(other)
    local n = R.run(t, of)
    return core.elements(t) == 0 and 0 or f(t, n, other)
  end, x, ...))
end

--- f(x, ...) of the columns of whatever x is; a tensor without elements has 0.
local function across(f, x, ...)
  return (lift(function(t, other)
    if kind(t) ~= "node" or not core.is_tensor(t) then return (fail("there are no columns in %s", V.called(t))) end
    return core.elements(t) == 0 and 0 or f(plain(t), plain(other))
  end, x, ...))
end

--- The model as one vector, for per = "model".
local function whole(x)
  local what = kind(x)
  if what == "model" or what == "list" then return (methods.flat(x)) end
  return (fail("per = \"model\" needs a model, not %s", V.called(x)))
end

--- Of columns. A tensor of one dimension is one row, so its columns are its elements.
local function is_flat(x) return #core.shape(x) < 2 end
local column = {
  total = function(x) return is_flat(x) and x or op "column_total" (x) end,
  mean = function(x) return is_flat(x) and x or op "div" (op "column_total" (x), core.elements(x) // R.run(x)) end,
  norm = function(x) return is_flat(x) and op "abs" (x) or op "sqrt" (op "column_dot" (x, x)) end,
  peak = function(x) return is_flat(x) and op "abs" (x) or op "column_max" (op "abs" (x)) end,
  max = function(x) return is_flat(x) and x or op "column_max" (x) end,
  min = function(x) return is_flat(x) and x or op "neg" (op "column_max" (op "neg" (x))) end,
  dot = function(x, y) return is_flat(x) and op "mul" (x, y) or op "column_dot" (x, y) end,
  cosine = function(x, y)
    if is_flat(x) then return (op "mul" (op "sign" (x), op "sign" (y))) end
    return (cosine(op "column_dot" (x, y), op "column_dot" (x, x), op "column_dot" (y, y)))
  end,
  argmax = function(x) return is_flat(x) and op "mul" (x, 0) or op "column_turned" (row.argmax(core.turned(x), core.shape(x)[1])) end,
  argmin = function(x) return is_flat(x) and op "mul" (x, 0) or op "column_turned" (row.argmin(core.turned(x), core.shape(x)[1])) end,
  quantile = function(x, q) return is_flat(x) and x or op "column_turned" (row.quantile(core.turned(x), core.shape(x)[1], q)) end,
}
column.sum = column.total

local axes = { "tensor", "row", "column", "model" }

local function is_layered(x) return kind(x) == "layered" or kind(x) == "list" and kind(data(x).items[1]) == "layered" end

--- A number for each layer; of a list one for each member.
local function of_layers(f, x, ...)
  local G = core.module("group")
  if kind(x) == "layered" then return (G.of_layers(f, x, ...)) end
  local items, more = {}, { ... }
  for i, item in ipairs(data(x).items) do
    local inner = {}
    for k, other in ipairs(more) do inner[k] = kind(other) == "list" and data(other).items[i] or other end
    items[i] = G.of_layers(f, item, table.unpack(inner))
  end
  return (V.list(items))
end

--- A word on one value, or with `second` on two (dot) or a value and a number (quantile).
local function declare(name, second)
  local form = second and ("x:%s(%s, {per=, of=})"):format(name, second) or ("x:%s({per=, of=})"):format(name)
  local pair = second == "y"
  word(form, function(x, y, options)
    if not second then options = y end
    if is_layered(x) and not options then return (of_layers(tensor[name], x, table.unpack({ y }, 1, second and 1 or 0))) end
    local per = R.per(options, axes)
    if per == "row" then return (along(row[name], options.of, x, table.unpack({ y }, 1, second and 1 or 0))) end
    if options and options.of then return (fail("'of' counts neighbours along a row; leave per = \"%s\" out", per)) end
    if per == "column" then return (across(column[name], x, table.unpack({ y }, 1, second and 1 or 0))) end
    if per == "model" then x, y = whole(x), pair and whole(y) or y end
    if second then return (lift(tensor[name], x, y)) end
    return (lift(tensor[name], x))
  end)
  V.lazy[name] = "number"
end
tensor.sum, row.sum = tensor.total, row.total
for _, name in ipairs { "total", "sum", "mean", "norm", "peak", "max", "min", "argmax", "argmin" } do declare(name) end
declare("dot", "y")
declare("cosine", "y")
declare("quantile", "q")

--- A lazy k counts while the merge runs.
local function kth(tensors, k, count)
  if kind(k) == "node" and not core.is_tensor(k) then return (apply("kth_lazy", tensors, k)) end
  if math.type(k) == "float" and k == math.floor(k) then k = math.floor(k) end
  if math.type(k) ~= "integer" or k < 1 or k > count then fail("'kth_magnitude' takes a whole number from 1 to %d", count) end
  return (apply("kth", tensors, count - k))
end
local function kth_magnitude(x, k) return (kth({ x }, k, core.elements(x))) end
word("x:kth_magnitude(k)", function(x, k) return (lift(kth_magnitude, x, k)) end)
V.lazy.kth_magnitude = "number"

-- ---- made of these ----

--- Whatever x is, for rows and columns.
local function in_axes(x, options) return options and (options.of or options.per == "row" or options.per == "column") and lift(plain, x) or x end

--- Of the population.
word("x:var({per=, of=})", function(x, options)
  x = in_axes(x, options)
  local d = x - methods.mean(x, options)
  return (methods.mean(d * d, options))
end)
word("x:std({per=, of=})", function(x, options) return (methods.sqrt(methods.var(x, options))) end)
V.lazy.var, V.lazy.std = "number", "number"

--- How many elements are not 0.
word("x:count({per=, of=})", function(x, options) return (methods.total(methods.ne(x, 0), options)) end)
V.lazy.count = "number"

word("x:softmax({per=, of=})", function(x, options)
  x = in_axes(x, options)
  local e = methods.exp(x - methods.max(x, options))
  return (e / methods.total(e, options))
end)

--- The place of each element among those of its row (or column, or tensor): 0 of the smallest, 1 of the largest; equal ones in their order.
word("x:rank({per=, of=})", function(x, options)
  local per = R.per(options, { "tensor", "row", "column" })
  local function ranked(t, n) return n > 1 and op "div" (op "row_rank" (t, n, 0), n - 1) or op "mul" (t, 0) end
  return (lift(function(x_or_vector)
    local t = plain(x_or_vector)
    if per ~= "column" then return (ranked(t, per == "row" and R.run(t, options.of) or core.elements(t))) end
    if kind(t) == "node" and is_flat(t) then return (ranked(t, 1)) end
    return (core.turned(ranked(core.turned(t), core.shape(t)[1])))
  end, x))
end)

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
    result = result and apply(name, result, part) or part
  end
  return result
end

local flat = V.of_flat
local function flat_total(x) return (fold("add", data(x).list, tensor.total)) end
local function flat_norm(x) return (apply("sqrt", fold("add", data(x).list, square_sum))) end
local function flat_dot(x, y)
  local a, b = kind(x) == "flat" and data(x).list, kind(y) == "flat" and data(y).list
  if not a or not b or #a ~= #b then fail("'dot' and 'cosine' of a flat model need another one like it") end
  local result
  for i, node in ipairs(a) do
    local part = op "dot" (node, b[i])
    result = result and apply("add", result, part) or part
  end
  return result
end

flat[tensor.total], flat[tensor.norm], flat[tensor.dot] = flat_total, flat_norm, flat_dot
flat[tensor.mean] = function(x) return (apply("div", flat_total(x), data(x).elements)) end
flat[tensor.peak] = function(x) return (fold("max", data(x).list, tensor.peak)) end
flat[tensor.max] = function(x) return (fold("max", data(x).list, tensor.max)) end
flat[tensor.min] = function(x) return (fold("min", data(x).list, tensor.min)) end
for _, name in ipairs { "argmax", "argmin" } do
  flat[tensor[name]] = function() return (fail("'%s' is an index in a tensor or a row; a model has none", name)) end
end
flat[tensor.cosine] = function(x, y) return (apply("ratio", flat_dot(x, y), apply("mul", flat_norm(x), flat_norm(y)))) end
flat[tensor.quantile] = function(x, q) return (apply("quantile", data(x).list, quantile_rank(q, data(x).elements))) end
flat[kth_magnitude] = function(x, k) return (kth(data(x).list, k, data(x).elements)) end

return R
