--- matrices.lua: functions of whole matrices (src/expr/matrix_rules.h). A tensor of two dimensions is a matrix; one of more is a row of
-- matrices, its last two dimensions. Of models and lists they work tensor by tensor, member by member. What has several results is one
-- node of the graph, of which these are slices.
local core = ...
local V = core.module("value")
local word = core.module("word").word
local data, kind, fail, lift = V.data, V.kind, V.fail, V.lift
local words = {} -- those that stand on their own

--- The matrix, what stands before its last two dimensions, and these.
local function read(x, name)
  local tensor, dims = V.whole(x, name)
  if #dims < 2 then
    return (fail("'%s' needs a matrix, a tensor of two dimensions or more, not of %d%s", name, #dims,
      name == "diagonal" and "; the identity is constant(1, {n, n}):diagonal(), a vector there v:broadcast{n, n}:diagonal()" or ""))
  end
  return tensor, table.move(dims, 1, #dims - 2, 1, {}), dims[#dims - 1], dims[#dims]
end

local function with(leading, ...)
  local dims = table.move(leading, 1, #leading, 1, {})
  for i = 1, select("#", ...) do dims[#dims + 1] = (select(i, ...)) end
  return dims
end

--- `rows` by `columns` (or `rows` numbers) of what several results are one after the other, from place `first` on.
local function piece(packed, leading, first, rows, columns)
  local dims, count = with(leading, rows, columns), rows * (columns or 1)
  if count == 0 then return (core.fill(0, dims)) end
  return (assert(core.reshape(assert(core.slice(packed, "columns", first, first + count)), dims)))
end

--- A word whose results are lifted one by one: `of(part)` gives what makes result number `part` of a tensor.
local function several(count, of, ...)
  local results = {}
  for part = 1, count do results[part] = lift(of(part), ...) end
  return results[1], results[2], results[3]
end

-- ---- singular values ----

--- How many singular values of k are asked for, and the share of energy that they are to hold.
local function rank_of(wanted, k)
  if wanted == nil then return k end
  if kind(wanted) == "table" then
    local given, name = wanted.share or wanted.energy, wanted.share and "share" or "energy"
    for key in pairs(wanted) do
      if key ~= name then
        return (fail("a rank is a whole number, {share = ...} or {energy = ...}, one of them; there is '%s'", core.shown(tostring(key))))
      end
    end
    if type(given) ~= "number" or not (given > 0 and given <= 1) then
      return (fail("'%s' of a rank is a plain number above 0, up to 1, not %s", name, type(given) == "number" and tostring(given) or V.called(given)))
    end
    if wanted.energy then return k, given end
    return (math.min(k, math.max(1, math.floor(given * k + 1e-9)))) -- 1 / 49 of 49 is 1, though rounding says 0.99...
  end
  if math.type(wanted) == "float" and wanted == math.floor(wanted) then wanted = math.floor(wanted) end
  if math.type(wanted) ~= "integer" or wanted < 1 then
    return (fail("a rank is a whole number from 1 on, {share = ...} or {energy = ...}, not %s",
      type(wanted) == "number" and tostring(wanted) or V.called(wanted)))
  end
  return (math.min(wanted, k))
end

--- The values up to the first ones that together have this share of the sum of squares; the others become 0.
local function keep_energy(s, energy)
  local squares = core.apply("mul", s, s)
  local before = core.apply("sub", core.apply("cumulative", squares), squares)
  return (core.apply("where", core.apply("lt", before, core.apply("mul", energy, core.apply("dot", s, s))), s, 0))
end

--- u, s or v of a tensor.
local function svd_part(part, rank, name)
  return function(x)
    local tensor, leading, m, n = read(x, name)
    local k, energy = rank_of(rank, math.min(m, n))
    if energy and #leading > 0 then fail("{energy = ...} is for a matrix of two dimensions; of several, {share = ...} or a rank") end
    local packed = k > 0 and core.apply("svd", tensor, k)
    if part == 1 then return (piece(packed, leading, 0, m, k)) end
    if part == 3 then return (piece(packed, leading, (m + 1) * k, k, n)) end
    local s = piece(packed, leading, m * k, k)
    return energy and k > 0 and keep_energy(s, energy) or s
  end
end

words.svd = word("u, s, v = svd(x[, rank])", function(x, rank)
  local u, s, v = several(3, function(part) return (svd_part(part, rank, "svd")) end, x)
  return u, s, v
end)

local function by_columns(x, c) return (core.apply("by_column", x, c)) end

words.low_rank = word("low_rank(x, rank)", function(x, rank)
  return (lift(function(matrix)
    local tensor, _, m, n = read(matrix, "low_rank")
    local k, energy = rank_of(rank, math.min(m, n))
    if k == 0 then return tensor end
    if not energy then return (core.apply("low_rank", tensor, k)) end
    local function part(i) return (svd_part(i, rank, "low_rank")(tensor)) end
    return (core.apply("matmul", by_columns(part(1), part(2)), part(3)))
  end, x))
end)

-- ---- the others ----

words.qr = word("q, r = qr(x)", function(x)
  local q, r = several(2, function(part)
    return function(matrix)
      local tensor, leading, m, n = read(matrix, "qr")
      local k = math.min(m, n)
      local packed = core.apply("qr", tensor)
      if part == 1 then return (piece(packed, leading, 0, m, k)) end
      return (piece(packed, leading, m * k, k, n))
    end
  end, x)
  return q, r
end)

local function of_two(name, x, y)
  return (lift(function(a, b)
    local first = V.whole(a, name)
    return (core.apply(name, first, (V.whole(b, name))))
  end, x, y))
end

words.matmul = word("matmul(x, y)", function(x, y) return (of_two("matmul", x, y)) end)

local function is_list(x) return kind(x) == "table" or kind(x) == "list" end

--- Whether it is a number, a lazy one, or one for each tensor of a model.
local function is_number(x)
  local what, private = kind(x), data(x)
  if what == "model" then return (private.names[1] ~= nil and is_number(private.nodes[private.names[1]])) end
  return what == "number" or what == "field" or (what == "node" and not core.is_tensor(x))
end

--- A tensor of these dimensions of lazy numbers, in f64 as they are.
local function tensor_of(numbers, from, count, ...)
  local parts = {}
  for i = 1, count do parts[i] = core.apply("as_f64", core.fill(numbers[from + i], { 1 })) end
  return (assert(core.reshape(count > 1 and assert(core.join(parts, "column")) or parts[1], { ... })))
end

--- The numbers of a list of as many rows of as many numbers, and how many rows there are.
local function square_of(a, name)
  local rows, all = V.items(a), {}
  for i, row in ipairs(rows) do
    local items = is_list(row) and V.items(row) or {}
    if #items ~= #rows then fail("%s of numbers takes as many in each row as there are rows, %s{{a, b}, {c, d}}: of %d rows row %d has %d", name, name, #rows, i, #items) end
    table.move(items, 1, #items, #all + 1, all)
  end
  return all, #rows
end

--- f(numbers...) of each of `count` places: a list of numbers.
local function found(numbers, count, f)
  local items = {}
  for _, x in ipairs(numbers) do
    if not is_number(x) then fail("a matrix that is written as a list of rows has numbers, not %s", V.called(x)) end
  end
  for i = 1, count do items[i] = lift(function(...) return (f(i, { ... })) end, table.unpack(numbers)) end
  return items
end

--- Number `i` of a tensor.
local function number_at(tensor, i, count)
  return (core.apply("total", assert(core.slice(assert(core.reshape(tensor, { count })), "columns", i - 1, i))))
end

local function rows_of(items, n)
  local rows = {}
  for i = 1, n do rows[i] = V.list(table.move(items, (i - 1) * n + 1, i * n, 1, {})) end
  return (V.list(rows))
end

--- Whether it is a list of rows of numbers, not of models or tensors.
local function has_rows(a)
  local first = is_list(a) and V.items(a)[1]
  return is_list(first) and (kind(a) == "table" or is_number(V.items(first)[1]))
end

--- The numbers x with a x = b.
local function solve_numbers(a, b)
  local all, n = square_of(a, "solve")
  local right = is_list(b) and V.items(b) or {}
  if #right ~= n then fail("solve({{a, b}, {c, d}}, {x, y}) takes as many numbers on the right as there are rows, %d, not %d", n, #right) end
  table.move(right, 1, n, #all + 1, all)
  return (V.list(found(all, n, function(i, numbers)
    return (number_at(core.apply("solve", tensor_of(numbers, 0, n * n, n, n), tensor_of(numbers, n * n, n, n, 1)), i, n))
  end)))
end

words.solve = word("solve(a, b)", function(a, b)
  if has_rows(a) then return (solve_numbers(a, b)) end
  return (of_two("solve", a, b))
end)

words.eigh = word("w, e = eigh(x)", function(x)
  if has_rows(x) then
    local all, n = square_of(x, "eigh")
    local items = found(all, n + n * n, function(i, numbers) return (number_at(core.apply("eigh", tensor_of(numbers, 0, n * n, n, n)), i, n + n * n)) end)
    return (V.list(table.move(items, 1, n, 1, {}))), (rows_of(table.move(items, n + 1, #items, 1, {}), n))
  end
  local w, e = several(2, function(part)
    return function(matrix)
      local tensor, leading, n = read(matrix, "eigh")
      local packed = core.apply("eigh", tensor)
      if part == 1 then return (piece(packed, leading, 0, n)) end
      return (piece(packed, leading, n, n, n))
    end
  end, x)
  return w, e
end)

for name, form in pairs { orthogonal = "orthogonal(x)", pinv = "pinv(x)", assign = "assign(cost)" } do
  words[name] = word(form, function(x)
    if name == "pinv" and has_rows(x) then
      local all, n = square_of(x, name)
      return (rows_of(found(all, n * n, function(i, numbers) return (number_at(core.apply(name, tensor_of(numbers, 0, n * n, n, n)), i, n * n)) end), n))
    end
    return (lift(function(matrix) return (core.apply(name, (read(matrix, name)))) end, x))
  end)
end

word("x:cumulative()", function(x)
  return (lift(function(tensor) return (core.apply("cumulative", (V.whole(tensor, "cumulative")))) end, x))
end)

word("x:diagonal()", function(x)
  return (lift(function(matrix) return (core.apply("diagonal", (read(matrix, "diagonal")))) end, x))
end)

--- Of a tensor a plain number, known while planning.
word("x:rank_max()", function(x)
  return (lift(function(tensor)
    local _, _, m, n = read(tensor, "rank_max")
    return (math.min(m, n))
  end, x))
end)

--- x with each row or column times its own number of the tensor c. It is streamed, unless rows are scaled, c comes from a function of
--- matrices, or there is a row of numbers for each of several matrices.
local function scaled(x, c, axis)
  if axis == "column" and not core.is_matrix(c) and #core.shape(c) < 2 then return (core.apply("columns", x, core.apply("vector", c))) end
  return (core.apply("by_" .. axis, x, c))
end

-- ---- the matrices of a model ----

local function chosen(x, wanted)
  local private, names, nodes = data(x), {}, {}
  local function is_chosen(tensor) return (#(core.shape(tensor) or {}) >= 2) == wanted end
  for _, name in ipairs(private.names) do
    if is_chosen(private.nodes[name]) then names[#names + 1], nodes[name] = name, private.nodes[name] end
  end
  local stand_in = private.stand_in and function(name)
    local tensor = private.stand_in(name)
    return tensor ~= nil and is_chosen(tensor) and tensor or nil
  end
  return (V.model(core.module("meet").names(names), nodes, private.label, { kept = wanted and {} or private.kept,
    part_of = private.part_of or private, laid_out = private.laid_out, config = private.config, measured = private.measured }, stand_in))
end

for name, wanted in pairs { matrices = true, rest = false } do
  local function choose(x)
    if kind(x) == "list" then
      local items = {}
      for i, item in ipairs(data(x).items) do items[i] = choose(item) end
      return (V.list(items))
    end
    if kind(x) ~= "model" then return (fail("'%s' is of a model, not of %s", name, V.called(x))) end
    return (chosen(x, wanted))
  end
  word("x:" .. name .. "()", choose)
end

return { words = words, scaled = scaled }
