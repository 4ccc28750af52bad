--- views.lua: tensors whose elements others have, at other places: slices, joins, rows by a table, other shapes. They are read as
-- streams (src/expr/view.h). Rows and columns count from 0, a range ends before its second number, negative numbers count from
-- the end. Rows are counted along the first dimension, columns along the last.
local core = ...
local V = core.module("value")
local word = core.module("word").word
local fail, kind, lift = V.fail, V.kind, V.lift
local S = {}

local function made(node, wrong) return node or fail("%s", wrong) end

local function whole(x, what)
  if math.type(x) == "float" and x == math.floor(x) then x = math.floor(x) end
  return math.type(x) == "integer" and x or fail("%s is a whole number, not %s", what, type(x) == "number" and tostring(x) or V.called(x))
end

--- {first, end} of a dimension: a range that counts from its end where a number is negative.
local function range(given, size, axis)
  local pair = kind(given) == "table" and V.items(given) or {}
  if #pair < 1 or #pair > 2 then return (fail("'%s' of a slice are {first, end}, not %s", axis, V.called(given))) end
  local first, last = whole(pair[1], "a slice's first"), pair[2] == nil and size or whole(pair[2], "a slice's end")
  local from, to = first < 0 and size + first or first, last < 0 and size + last or last
  if from < 0 or to > size or to <= from then
    return (fail("a slice of %s %d to %d of %d: a range lies within them and ends before its second number", axis, first, last, size))
  end
  return from, to
end

word("x:slice({rows=, columns=})", function(x, options)
  if options == nil or (options.rows == nil and options.columns == nil) then
    return (fail("this is written x:slice{rows = {first, end}, columns = {first, end}}, with one of them or both"))
  end
  return (lift(function(x_or_vector)
    local tensor, dims = V.whole(x_or_vector, "slice")
    if #dims == 0 then return (fail("a tensor without dimensions has no rows and columns")) end
    if options.rows then tensor = made(core.slice(tensor, "rows", range(options.rows, dims[1], "rows"))) end
    local last = core.shape(tensor)
    if options.columns then tensor = made(core.slice(tensor, "columns", range(options.columns, last[#last], "columns"))) end
    return tensor
  end, x))
end)

--- join{x, y, along = "row"}: below one another, or "column": side by side; of models tensor by tensor. A list, or a table, stands for its members.
S.join = word("join{...}", function(parts)
  local items, along = {}, "row"
  if kind(parts) == "list" then items = V.items(parts)
  elseif kind(parts) == "table" then
    for key, part in pairs(parts) do if key == "along" then along = part else items[key] = part end end
    items = V.items(items)
    if #items == 1 and (kind(items[1]) == "list" or kind(items[1]) == "table" and items[1][1]) then items = V.items(items[1]) end
  else return (fail("join{...} takes tensors in braces, not %s", V.called(parts))) end
  if along ~= "row" and along ~= "column" then return (fail("'along' is \"row\" (below one another) or \"column\" (side by side)")) end
  if #items == 0 then return (fail("join{} is empty")) end
  return (lift(function(...)
    local tensors = { ... }
    for i, tensor in ipairs(tensors) do tensors[i] = V.whole(tensor, "join") end
    return (made(core.join(tensors, along)))
  end, table.unpack(items)))
end)

word("x:reshape{...}", function(x, shape)
  if kind(shape) ~= "table" then return (fail("this is written x:reshape{rows, columns}, with its dimensions in braces, not %s", V.called(shape))) end
  local dims = {}
  for i, size in ipairs(V.items(shape)) do
    dims[i] = whole(size, "a dimension")
    if dims[i] < 0 then return (fail("a dimension is not below zero")) end
  end
  return (lift(function(tensor)
    return (made(core.reshape(V.whole(tensor, "reshape"), dims)))
  end, x))
end)

--- One row repeated as every row of a matrix, or one column as every column.
word("x:broadcast{rows, columns}", function(x, shape)
  if kind(shape) ~= "table" or #shape ~= 2 then return (fail("this is written x:broadcast{rows, columns}, with the sides of a matrix in braces")) end
  local rows, columns = whole(shape[1], "a side"), whole(shape[2], "a side")
  return (lift(function(x_or_vector)
    local tensor, dims = V.whole(x_or_vector, "broadcast")
    local m, n = #dims == 1 and 1 or dims[1], dims[#dims]
    if #dims == 2 and m == rows and n == columns then return tensor end
    local across = m == 1 and n == columns
    if #dims > 2 or not across and not (n == 1 and m == rows) then
      return (fail("'broadcast' of [%s] to [%d,%d]: one row of as many columns is needed, or one column of as many rows", table.concat(dims, ","), rows, columns))
    end
    local each, ones = made(core.reshape(tensor, { across and columns or rows })), core.fill(1, { rows, columns })
    if across then return (core.apply("columns", ones, core.apply("vector", each))) end
    return (core.apply("by_row", ones, each))
  end, x))
end)

--- The rows of a list, in its order; `false` stands for a row of zeros.
word("x:gather(rows)", function(x, rows)
  if kind(rows) ~= "table" then return (fail("'gather' takes a list of rows, not %s", V.called(rows))) end
  rows = V.items(rows)
  return (lift(function(x_or_vector)
    local tensor, dims = V.whole(x_or_vector, "gather")
    local size, list = dims[1] or 0, {}
    for i, row in ipairs(rows) do
      list[i] = row and whole(row, "a row")
      if list[i] and list[i] < 0 then list[i] = size + list[i] end
      if list[i] and (list[i] < 0 or list[i] >= size) then return (fail("row %d of a tensor that has %d, 0 to %d", row, size, size - 1)) end
    end
    return (made(core.gather(tensor, list)))
  end, x))
end)

word("x:T()", function(x)
  return (lift(function(x_or_vector)
    local tensor, dims = V.whole(x_or_vector, "T")
    if #dims > 2 then return (core.apply("turn", tensor)) end
    return (made(core.turned(tensor)))
  end, x))
end)

return S
