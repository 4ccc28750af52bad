--- Slices, joins, rows by a table, reshapes and transposes, against the same in plain Lua on nested tables, over files and over what is
--- computed, of small tensors and of some that are larger than every buffer.
package.path = "tests/reports/?.lua;" .. package.path
local M = require "models"

local state = 7
local function draw(below)
  state = (state * 1103515245 + 12345) & 0x7fffffff
  return (state >> 8) % below
end

-- ---- the same in plain Lua: a matrix is { rows =, columns =, values... } ----

local N = {}
local function matrix(rows, columns, f)
  local m = { rows = rows, columns = columns }
  for r = 0, rows - 1 do for c = 0, columns - 1 do m[#m + 1] = f(r, c) end end
  return m
end
local function at(m, r, c) return m[r * m.columns + c + 1] end
function N.rows(m, a, b) return matrix(b - a, m.columns, function(r, c) return at(m, r + a, c) end) end
function N.columns(m, a, b) return matrix(m.rows, b - a, function(r, c) return at(m, r, c + a) end) end
function N.below(x, y) return matrix(x.rows + y.rows, x.columns, function(r, c) if r < x.rows then return at(x, r, c) end return at(y, r - x.rows, c) end) end
function N.beside(x, y) return matrix(x.rows, x.columns + y.columns, function(r, c) if c < x.columns then return at(x, r, c) end return at(y, r, c - x.columns) end) end
function N.gather(m, rows) return matrix(#rows, m.columns, function(r, c) return rows[r + 1] and at(m, rows[r + 1], c) or 0 end) end
function N.turned(m) return matrix(m.columns, m.rows, function(r, c) return at(m, c, r) end) end
function N.reshaped(m, rows, columns) return matrix(rows, columns, function(r, c) return m[r * columns + c + 1] end) end
function N.raised(m) return matrix(m.rows, m.columns, function(r, c) return at(m, r, c) + 3 end) end

-- ---- tensors ----

local R, C = 6, 5
local values = {}
for _, name in ipairs { "x", "y" } do values[name] = matrix(R, C, function(r, c) return (name == "y" and 100 or 0) + r * C + c end) end
M.safetensors("x.safetensors", { w = { "BF16", { R, C }, values.x }, v = { "F32", { 7 }, { 0, 1, 2, 3, 4, 5, 6 } }, e = { "F32", { 2, 3, 2 }, { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 } } })
M.safetensors("y.safetensors", { w = { "F32", { R, C }, values.y }, v = { "F32", { 7 }, 0 }, e = { "F32", { 2, 3, 2 }, 0 } })

local function recipe(lines)
  M.write("views.lua", 'return recipe { "A test.", arg.model("x", "a model"), arg.model("y", "another"), function(a)\n' ..
    "local x, y = a.x.w, a.y.w\n" .. lines .. "\nend }\n")
  return "moonweld ./views.lua --x x.safetensors --y y.safetensors"
end

--- The result's tensor w, of a recipe that ends in an expression of x and y.
local function given(expression, options) return M.made(recipe("return a.x:with({ w = " .. expression .. " })") .. (options or "")).w end

local function same(wanted, got, what)
  assert.equal(("%d,%d"):format(wanted.rows, wanted.columns), got.shape, what)
  for i = 1, #wanted do if wanted[i] ~= got[i] then error(("%s: element %d is %g, not %g"):format(what, i - 1, got[i], wanted[i])) end end
end

describe("a view", function()
  it("of a slice, by rows, columns or both, counts from 0 and from the end", function()
    same(N.rows(values.x, 1, 4), given "x:slice{rows = {1, 4}}", "rows")
    same(N.columns(values.x, 2, 5), given "x:slice{columns = {2}}", "columns")
    same(N.columns(N.rows(values.x, 4, 6), 0, 4), given "x:slice{rows = {-2}, columns = {0, -1}}", "both")
  end)

  it("of joins, tables, reshapes and transposes", function()
    same(N.below(values.x, values.x), given "join{x, x}", "below")
    same(N.beside(values.x, values.y), given "join{x, y, along = 'column'}", "beside")
    same(N.gather(values.x, { 5, 0, 0, 1, 2, false, 3 }), given "x:gather{5, 0, 0, 1, 2, false, -3}", "gather")
    same(N.turned(values.x), given "x:T()", "turned")
    same(N.reshaped(values.x, 3, 10), given "x:reshape{3, 10}", "reshaped")
  end)

  it("of tensors of one dimension and of three", function()
    local tensors = M.made(recipe "return a.x:with({ v = join{ a.x.v:slice{columns = {5}}, a.x.v:slice{rows = {0, 2}} }, e = a.x.e:gather{1}:slice{columns = {1, 2}} })")
    assert.same({ 5, 6, 0, 1, dtype = "F32", shape = "4" }, tensors.v)
    assert.same({ 7, 9, 11, dtype = "F32", shape = "1,3,1" }, tensors.e)
  end)

  it("turned twice is what it was, and read as that", function()
    same(N.below(values.x, values.x), given "join{x, x}:T():T()", "turned twice")
    local function planned(x)
      local _, said = M.run((recipe("return a.x:with({ w = " .. x .. " })"):gsub("moonweld", "%0 plan", 1)))
      return assert(said:match "peak memory [^\n]*", said)
    end
    assert.equal(planned "join{x, x}", planned "join{x, x}:T():T()")
    assert.not_equal(planned "join{x, x}", planned "join{x, x}:T()")
  end)

  it("is moved in the dtype of its file, bit for bit", function()
    assert.equal("BF16", given("join{x:slice{rows = {0, 1}}, x:gather{3}}").dtype)
  end)
end)

describe("views of views and of what is computed", function()
  --- A random expression as recipes write it, and its value.
  local function grow(depth)
    if depth == 0 then
      local name = draw(2) == 0 and "x" or "y"
      return name, values[name]
    end
    local text, m = grow(depth - 1)
    local kind = draw(8)
    if kind == 0 then
      local a = draw(m.rows)
      local b = a + 1 + draw(m.rows - a)
      return ("%s:slice{rows = {%d, %d}}"):format(text, a, b), N.rows(m, a, b)
    elseif kind == 1 then
      local a = draw(m.columns)
      local b = a + 1 + draw(m.columns - a)
      return ("%s:slice{columns = {%d, %d}}"):format(text, a, b), N.columns(m, a, b)
    elseif kind == 2 then
      local list = {}
      for i = 1, 1 + draw(7) do list[i] = draw(5) > 0 and draw(m.rows) end
      local words = {}
      for i, row in ipairs(list) do words[i] = tostring(row) end
      return ("%s:gather{%s}"):format(text, table.concat(words, ", ")), N.gather(m, list)
    elseif kind == 3 then return text .. ":T()", N.turned(m)
    elseif kind == 4 then return ("join{%s, 3 + %s}"):format(text, text), N.below(m, N.raised(m))
    elseif kind == 5 then return ("join{3 + %s, %s, along = 'column'}"):format(text, text), N.beside(N.raised(m), m)
    elseif kind == 6 then return ("%s:reshape{%d, %d}"):format(text, m.columns, m.rows), N.reshaped(m, m.columns, m.rows) end
    return ("(%s + 3)"):format(text), N.raised(m)
  end

  it("are what plain Lua makes of nested tables, whatever they are made of", function()
    local lines, wanted, texts = { "local t = {}" }, {}, {}
    for i = 1, 120 do
      local text, m = grow(1 + draw(5))
      if #m > 0 and #m < 4000 then
        wanted[#wanted + 1], texts[#texts + 1] = m, text
        local summed = i % 2 == 0 and (" + a.x.v:total() * zeros{%d, %d}"):format(m.rows, m.columns) or "" -- or moved as it is
        lines[#lines + 1] = ("t['t%d'] = (%s):slice{rows = {0}}%s"):format(#wanted, text, summed)
      end
    end
    lines[#lines + 1] = "return t"
    local command = recipe(table.concat(lines, "\n"))
    for _, options in ipairs { " --dtype f32 --threads 1", " --dtype f32 --threads 2" } do
      local tensors = M.made(command .. options)
      for i, m in ipairs(wanted) do same(m, tensors["t" .. i], texts[i]) end
    end
  end)

  it("are counted, compared and drawn for as any other tensor", function()
    local _, said = M.made(recipe [[
      local t = join{ x:slice{rows = {0, 2}}, 3 + y:slice{rows = {2, 3}} }
      local mask = t:gt(7)
      return a.x:with({ w = where(mask, t, 0) + 0 * t:total() + 0 * t:peak() })]])
    assert.equal("", (said:gsub("moonweld: [^\n]*\n", "")))
  end)
end)

describe("views of large tensors", function()
  -- 700 rows of 300 elements, more than any block or buffer in either direction.
  local rows, columns = 700, 300
  local big = matrix(rows, columns, function(r, c) return (r * 7 + c * 3) % 256 end)
  M.safetensors("x.safetensors", { w = { "BF16", { rows, columns }, big } })
  M.safetensors("y.safetensors", { w = { "F32", { rows, columns }, big } })
  local list = {}
  for i = 1, 900 do list[i] = i % 97 > 0 and (i * i) % rows end
  M.write("list.lua", "")

  it("are the same by one thread and by several", function()
    local gather = {}
    for i, row in ipairs(list) do gather[i] = tostring(row) end
    for _, threads in ipairs { 1, 3 } do
      local options = " --dtype f32 --threads " .. threads
      same(N.turned(big), given("x:T()", options), "turned")
      same(N.beside(N.columns(big, 100, 300), N.turned(N.reshaped(N.rows(big, 0, 700), 300, 700))),
        given("join{x:slice{columns = {100}}, y:reshape{300, 700}:T(), along = 'column'}", options), "beside")
      same(N.gather(N.raised(big), list), given("(x + 3):gather{" .. table.concat(gather, ",") .. "}", options), "gather")
      same(N.rows(N.below(big, N.raised(big)), 650, 800), given("join{x, 3 + y}:slice{rows = {650, 800}}", options), "below")
    end
  end)
end)

describe("a view that cannot be", function()
  local function refused(expression, ...) return M.refused(recipe("return a.x:with({ w = " .. expression .. " })"), ...) end

  it("is refused in one line", function()
    refused("x:slice{rows = {0, 701}}", "a slice of rows 0 to 701 of 700")
    refused("x:slice{columns = {5, 5}}", "a slice of columns 5 to 5 of 300")
    refused("x:slice{}", "with one of them or both")
    refused("x:slice{row = {0, 1}}", "there is no option 'row' here -- did you mean 'rows'?")
    refused("x:gather{0, 700}", "row 700 of a tensor that has 700, 0 to 699")
    refused("join{x, x:T()}", "'join' of [700,300] and [300,700]: below one another they need the same columns")
    refused("join{x, x:T(), along = 'column'}", "side by side they need the same rows")
    refused("join{x, 3}", "'join' needs a tensor, not a number")
    refused("x:reshape{3}", "'reshape' to [3] needs 3 elements, and the tensor has 210000")
    refused("x:reshape{2, 2}:T()", "'reshape' to [2,2] needs 4")
    refused("(x:total()):T()", "'T' needs a tensor, not a number")
    refused("x + x:slice{rows = {0, 1}}", "of different shapes")
    local deep = "local t = x for i = 1, 13 do t = t:gather{0, 1} + 1 t = join{t, t} end return a.x:with({ w = t })"
    M.refused(recipe(deep), "more than 24 slices and joins of one another")
  end)
end)
