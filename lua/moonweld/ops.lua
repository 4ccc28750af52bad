--- ops.lua: everything element by element, and what goes across models (recipes.md, "Vocabulary").
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

for _, name in ipairs { "tensor", "model", "list", "field", "flat", "coefficients", "seed" } do V.meta_of(name) end
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

-- Operators of Lua that no value has, and how they are said.
for event, text in pairs { __idiv = "'//' is no operation of values; (x / y):floor()", __mod = "'%' is no operation of values; x - y * (x / y):floor()",
  __bxor = "'~' between two values is none; m:ne(n) is true where one mask is and the other is not", __shl = "'<<' is no operation of values; x * 2 ^ n",
  __shr = "'>>' is no operation of values; x / 2 ^ n", __concat = "'..' joins texts and lists of models; models{x, y} makes a list" } do
  for _, meta in pairs(V.metas) do meta[event] = meta[event] or function() return (fail("%s", text)) end end
end

word("x:gt(y)", swapped "lt")
word("x:ge(y)", swapped "le")
V.lazy.gt, V.lazy.ge = "mask", "mask"
word("x:clamp(low, high)", function(x, low, high)
  local checked = lift(function(least, most)
    if type(least) == "number" and type(most) == "number" and least > most then fail("clamp(low, high): %s is above %s", tostring(least), tostring(most)) end
    return least
  end, low, high)
  if kind(checked) == "field" then low = checked end -- by tensor: checked where a tensor asks
  return (lift(op "min", lift(op "max", x, low), high))
end)
word("x:keep(mask)", function(x, mask) return (O.where(mask, x, 0)) end)

word("x:square()", function(x) return x * x end)
word("x:sigmoid()", function(x) return 1 / (1 + methods.exp(-x)) end)
word("x:relu()", function(x) return (methods.atleast(x, 0)) end)

local types = { bf16 = "as_bf16", f16 = "as_f16", f32 = "as_f32", f64 = "as_f64" }
--- A tensor as a file of it would be: rounded to the least type that holds all that it is made of.
local function as_stored(tensor)
  local dtype = core.widest(tensor)
  return dtype and types[dtype] and dtype ~= "f64" and op(types[dtype])(tensor) or tensor
end

--- Rounded to the type at this point; "f64": from here on computed in it.
word("x:as(type)", function(x, dtype)
  if dtype == "stored" then return (lift(as_stored, x)) end
  local name = types[dtype] or fail("as(type) takes \"bf16\", \"f16\", \"f32\", \"f64\" or \"stored\", not %s", type(dtype) == "string" and core.shown(dtype) or V.called(dtype))
  return (lift(op(name), x))
end)

--- (1 - t) * a + t * b; at its ends a and b, as they are. Of a number between these each operation is one for all tensors.
O.lerp = word("lerp(a, b, t)", function(a, b, t)
  if type(t) == "number" and t ~= 0 and t ~= 1 then return (lift(op "add", lift(op "mul", 1 - t, a), lift(op "mul", t, b))) end
  return (lift(function(x, y, s)
    if s == 0 then return x elseif s == 1 then return y end
    local rest = type(s) == "number" and 1 - s or op "sub" (1, s)
    return (op "add" (op "mul" (rest, x), op "mul" (s, y)))
  end, a, b, t))
end)

--- x with each row or column times its own number of c: a vector that goes with x so, or a tensor of as many numbers, such as the values
--- of another vector.
local function scaled(x, c, axis)
  local name = "scale_" .. axis .. "s"
  if type(c) == "table" and kind(c) == "table" then return (fail("%s takes a tensor of one number for each %s", name, axis)) end
  return (lift(function(tensor, numbers)
    local product = core.is_vector(numbers) == axis and core.try("mul", tensor, numbers)
    if product then return product end
    local each, dims = V.whole(numbers, name)
    local own = select(2, V.whole(tensor, name))
    if #own == 2 and #dims == 2 and math.min(dims[1], dims[2]) == 1 then each = core.reshape(each, { dims[1] * dims[2] }) end
    return (core.module("matrices").scaled(tensor, each, axis))
  end, x, c))
end

word("x:scale_columns(c)", function(x, c) return (scaled(x, c, "column")) end)
word("x:scale_rows(c)", function(x, c) return (scaled(x, c, "row")) end)

--- As a result it may weigh any number of models, or none: a delta, a mask, a moment. What is computed from it weighs again.
word("x:unweighed()", function(x)
  return (lift(function(t)
    V.unweighed[core.id(t)] = true
    return t
  end, x))
end)

--- x; where that is 0, or at most `within` from it, a number instead, or an error with a text. For an error x is known when the merge is
--- planned: what is known only when it runs passes.
O.nonzero = word("nonzero(x, instead, {within=})", function(x, instead, options)
  local within = options and options.within or 0
  if type(instead) ~= "number" and type(instead) ~= "string" then fail("nonzero takes a number, or the text of an error, not %s", V.called(instead)) end
  if type(within) ~= "number" or within ~= within then fail("'within' is a number, not %s", V.called(within)) end
  return (lift(function(n)
    if type(n) == "number" then
      if math.abs(n) > within then return n end
      if type(instead) == "number" then return instead end
      return (core.fail("input", (V.asked_name and ("tensor '%s': "):format(core.shown(V.asked_name)) or "") .. instead, ""))
    elseif type(instead) == "string" then return n end
    return (op "where" (within == 0 and n or op "lt" (within, op "abs" (n)), n, instead))
  end, x))
end)

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

--- Members in rising order, element by element, by a sorting network: neighbours are exchanged in n rounds.
O.sort = word("sort(list)", function(list)
  local items = table.move(V.items(list), 1, #V.items(list), 1, {})
  for round = 1, #items do
    for i = 2 - round % 2, #items - 1, 2 do
      items[i], items[i + 1] = lift(op "min", items[i], items[i + 1]), lift(op "max", items[i], items[i + 1])
    end
  end
  return (V.list(items))
end)

O.median = word("median(list)", function(list)
  local items = V.items(O.sort(list))
  local half = (#items + 1) // 2
  if #items == 0 then return (fail("'median' of an empty list")) end
  return #items % 2 == 1 and items[half] or (items[half] + items[half + 1]) / 2
end, weights)

--- Of the population of members.
O.var = word("var(list)", function(list)
  local d = V.list(list) - O.mean(list)
  return (O.mean(d * d))
end, weights)
O.std = word("std(list)", function(list) return (methods.sqrt(O.var(list))) end, weights)

--- The place of the smallest member, from 1, the first of equal ones.
O.argmin = word("argmin(list)", function(list)
  local items = V.items(list)
  if #items == 0 then return (fail("'argmin' of an empty list")) end
  local place, least = 1, items[1]
  for i = 2, #items do
    place = O.where(methods.lt(items[i], least), i, place)
    least = lift(op "min", items[i], least)
  end
  return place
end)

--- The member at a place, which may be lazy; none for a place that no member has: an error where it is a plain number, else the last.
O.choose = word("choose(list, by)", function(list, by)
  local items = V.items(list)
  if type(by) == "number" then return items[by] or fail("choose(list, by): there is no member %s of %d", tostring(by), #items) end
  local chosen = items[#items]
  for i = #items - 1, 1, -1 do chosen = O.where(methods.le(by, i), items[i], chosen) end
  return chosen
end)

--- Of each member exp(x_i) / sum_k exp(x_k), number by number.
function V.shares(list)
  local parts = methods.exp(list - O.max(list)) -- so that no exponent overflows
  return parts / O.sum(parts)
end

O.list = word("list{...}", function(items)
  if kind(items) ~= "table" and kind(items) ~= "list" then return (fail("list{...} takes its members in braces, not %s", V.called(items))) end
  return (V.list(items))
end)

O.dot = word("dot(x, y)", function(x, y) return (methods.dot(x, y)) end)

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
