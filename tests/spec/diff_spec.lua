-- What `diff` says, against the same numbers computed one element after the other in plain Lua.
package.path = "tests/spec/?.lua;" .. package.path
local mw = require "moonweld"
local toy = require "toy"

local f32 = toy.f32

--- Rows by tensor, the warnings as one text, and the list of rows.
local function diff(a, b, options)
  local list, warnings = mw.diff(a, b, options)
  local rows = {}
  for _, row in ipairs(list) do
    rows[row.tensor] = row
    for key, value in pairs(row) do assert(type(value) ~= "number" or value - value == 0, key .. " is not finite") end
  end
  return rows, table.concat(warnings, "\n"), list
end

local function near(expected, found)
  assert.is_truthy(found, "a number is expected, near " .. expected)
  local tolerance = 2e-6 * math.max(1e-3, math.abs(expected))
  assert.is_true(math.abs(expected - found) <= tolerance, ("expected %.9g, found %.9g"):format(expected, found))
end

local function minus(x, y)
  local out = {}
  for i = 1, #x do out[i] = f32(x[i] - y[i]) end
  return out
end

local function dot(x, y)
  local sum = 0
  for i = 1, #x do sum = sum + x[i] * y[i] end
  return sum
end

local function length(x) return math.sqrt(dot(x, x)) end

local function share(n, holds)
  local count = 0
  for i = 1, n do if holds(i) then count = count + 1 end end
  return count / n
end

local function check(row, a, b, base)
  local u, v = a, b
  if base then u, v = minus(a, base), minus(b, base) end
  near(length(minus(b, a)) / length(a), row.relative_delta)
  near(dot(u, v) / length(u) / length(v), row.cosine)
  assert.equal(share(#a, function(i) return a[i] ~= b[i] end), row.changed)
  assert.equal(share(#a, function(i) return u[i] * v[i] < 0 end), row.sign_conflict)
  if not base then return end
  near(length(u) / length(base), row.delta_a)
  near(length(v) / length(base), row.delta_b)
  assert.equal(share(#a, function(i) return a[i] ~= base[i] end), row.changed_a)
  assert.equal(share(#a, function(i) return b[i] ~= base[i] end), row.changed_b)
end

--- A model near `from`; about a third of its elements stay as they are.
local function near_to(from, scale)
  local out = {}
  for i = 1, #from do
    out[i] = math.random() < 0.35 and from[i] or f32(from[i] + (math.random() * 2 - 1) * scale)
  end
  return out
end

--- One safetensors file of { name, dtype, shape, bytes }.
local function write_raw(entries)
  local parts, data, at = {}, {}, 0
  for _, e in ipairs(entries) do
    parts[#parts + 1] = ('"%s":{"dtype":"%s","shape":[%s],"data_offsets":[%d,%d]}'):format(e[1], e[2], e[3], at, at + #e[4])
    data[#data + 1] = e[4]
    at = at + #e[4]
  end
  local header = "{" .. table.concat(parts, ",") .. "}"
  local file = os.tmpname()
  local out = assert(io.open(file, "wb"))
  out:write(string.pack("<I8", #header), header, table.concat(data))
  out:close()
  finally(function() os.remove(file) end)
  return file
end

describe("diff", function()
  math.randomseed(11)
  local base = {
    ["layers.0.w"] = toy.random(2400), ["layers.10.w"] = toy.random(70), ["layers.2.w"] = toy.random(4096), norm = toy.random(5),
  }
  local a, b = {}, {}
  for name, values in pairs(base) do a[name], b[name] = near_to(values, 0.1), near_to(values, 0.15) end
  local A, B, C = toy.write(a), toy.write(b), toy.write(base)

  it("measures lengths, angles, signs and changes of two models", function()
    local rows = diff(A, B)
    for name in pairs(base) do check(rows[name], a[name], b[name]) end
  end)

  it("measures both task vectors where a base is given", function()
    local rows = diff(A, B, { base = C })
    for name in pairs(base) do check(rows[name], a[name], b[name], base[name]) end
  end)

  it("lists layers in their order and names each tensor's layer or module", function()
    local list = mw.diff(A, B)
    local order = {}
    for _, row in ipairs(list) do order[#order + 1] = row.tensor .. "=" .. row.layer end
    assert.same({ "layers.0.w=layers.0", "layers.2.w=layers.2", "layers.10.w=layers.10", "norm=norm" }, order)
  end)

  it("finds nothing between a model and itself", function()
    for _, options in ipairs { {}, { base = C } } do
      local rows, warnings = diff(A, A, options)
      for name in pairs(base) do
        local row = rows[name]
        assert.same({ 0, 0, 1, 0, "same" }, { row.relative_delta, row.changed, row.cosine, row.sign_conflict, row.state })
      end
      assert.equal("", warnings)
    end
  end)

  it("tells opposite task vectors by a cosine of -1 and a conflict of 1", function()
    local x, y, z = toy.write { w = { 1.5, -2, 4 } }, toy.write { w = { 0.5, -4, 8 } }, toy.write { w = { 1, -3, 6 } }
    local rows = diff(x, y, { base = z })
    assert.same({ -1, 1, 1 }, { rows.w.cosine, rows.w.sign_conflict, rows.w.changed })
  end)

  it("counts no conflict where one task vector is zero, and none that is too small to multiply", function()
    local z = toy.write { w = { 0, 0, 0, 0 } }
    local rows = diff(toy.write { w = { 1, -1, 0, 1e-30 } }, toy.write { w = { 0, 1, 1, -1e-30 } }, { base = z })
    assert.equal(0.5, rows.w.sign_conflict)
  end)

  it("gives the same numbers for any number of threads", function()
    local big, other, from = {}, {}, {}
    for name, count in pairs { ["layers.0.w"] = 140001, ["layers.1.w"] = 3000, norm = 9 } do -- several blocks, and one
      from[name] = toy.random(count)
      big[name], other[name] = near_to(from[name], 0.1), near_to(from[name], 0.1)
    end
    local x, y, z = toy.write(big), toy.write(other), toy.write(from)
    local _, _, one = diff(x, y, { base = z, threads = 1 })
    for _, threads in ipairs { 2, 3, 8 } do
      local _, _, list = diff(x, y, { base = z, threads = threads })
      assert.same(one, list)
    end
  end)

  describe("of vectors without length", function()
    local zero, some = toy.write { w = { 0, 0, 0 } }, toy.write { w = { 1, 0, 2 } }

    it("says 0 where both are zero", function()
      local row = diff(zero, zero).w
      assert.same({ 0, 0, 0, 0, "same" }, { row.relative_delta, row.cosine, row.changed, row.sign_conflict, row.state })
    end)

    it("says nothing for a delta that is measured by nothing, and 0 for the cosine", function()
      local row = diff(zero, some).w
      assert.is_nil(row.relative_delta)
      assert.equal(0, row.cosine)
      near(2 / 3, row.changed)
    end)

    it("says 0 for models that are their base", function()
      local row = diff(some, some, { base = some }).w
      assert.same({ 0, 0, 0, 0 }, { row.delta_a, row.delta_b, row.cosine, row.sign_conflict })
    end)

    it("says nothing for tensors without elements", function()
      local empty = write_raw { { "w", "F32", "0,4", "" } }
      local row = diff(empty, empty).w
      assert.equal("same", row.state)
      assert.is_nil(row.cosine)
    end)
  end)

  describe("of models that do not match", function()
    it("lists what only one of them has, shapes and kinds that differ", function()
      local two, four, eight = ("\0"):rep(2), ("\0"):rep(4), ("\0"):rep(8)
      local x = write_raw {
        { "both", "F32", "1", four }, { "kind", "F32", "1", four }, { "left", "F32", "1", four }, { "shape", "F32", "2", eight },
      }
      local y = write_raw {
        { "both", "F32", "1", four }, { "kind", "I32", "1", four }, { "right", "BF16", "1", two }, { "shape", "F32", "1,2", eight },
      }
      local rows, warnings = diff(x, y)
      local states = {}
      for name, row in pairs(rows) do states[name] = row.state end
      assert.same({ both = "same", kind = "dtype", left = "only_a", right = "only_b", shape = "shape" }, states)
      assert.is_nil(rows.right.a)
      assert.same({ dtype = "BF16", shape = { 1 } }, rows.right.b)
      assert.same({}, { rows.shape.relative_delta, rows.shape.changed, rows.shape.cosine, rows.shape.sign_conflict })
      assert.is_truthy(warnings:find("a merge would refuse these models", 1, true))
    end)

    it("compares without the base what the base lacks", function()
      local x, y = toy.write { w = { 1, 2 }, x = { 3, 4 } }, toy.write { w = { 1, 3 }, x = { 3, 5 } }
      local rows = diff(x, y, { base = toy.write { x = { 3, 3 }, z = { 1 } } })
      assert.same({ "no_base", "differs", "only_base" }, { rows.w.state, rows.x.state, rows.z.state })
      near(1 / math.sqrt(5), rows.w.relative_delta)
      assert.is_nil(rows.w.cosine)
      assert.is_nil(rows.w.delta_a)
      near(1, rows.x.cosine)
    end)

    it("compares the values of different float dtypes", function()
      local x = write_raw { { "w", "F32", "2", string.pack("<ff", 1, -2) } }
      local y = write_raw { { "w", "BF16", "2", "\x80\x3f\x00\xc0" } }
      local z = write_raw { { "w", "F64", "2", string.pack("<dd", 1, -2.5) } }
      assert.equal("same", diff(x, y).w.state)
      near(0.5 / math.sqrt(5), diff(x, z).w.relative_delta)
    end)
  end)

  it("counts the integers and bytes that differ", function()
    local i, j = string.pack("<i8i8i8i8", 1, 2, 3, 256), string.pack("<i8i8i8i8", 1, 2, 259, 1)
    local x = write_raw { { "b", "BOOL", "4", "\0\1\0\1" }, { "i", "I64", "4", i }, { "q", "F4", "4", "\1\2" } }
    local y = write_raw { { "b", "BOOL", "4", "\0\1\0\1" }, { "i", "I64", "4", j }, { "q", "F4", "4", "\1\3" } }
    local rows = diff(x, y)
    assert.same({ "same", 0, "differs", 0.5, "differs", 0.5 },
      { rows.b.state, rows.b.changed, rows.i.state, rows.i.changed, rows.q.state, rows.q.changed })
    assert.is_nil(rows.i.relative_delta)
  end)

  it("does not measure NaN, infinities or what is too large to square, and says so", function()
    local x = toy.write { big = { 1e30, 1 }, good = { 1, 2 }, inf = { 1 / 0, 1 }, nan = { 0 / 0, 1 } }
    local y = toy.write { big = { 1e30, 2 }, good = { 1, 2.5 }, inf = { 1 / 0, 1 }, nan = { 0 / 0, 1 } }
    local rows, warnings = diff(x, y)
    assert.same({ "differs", 0.5 }, { rows.big.state, rows.big.changed })
    assert.same({ "same", "same" }, { rows.inf.state, rows.nan.state })
    assert.is_nil(rows.nan.cosine)
    near(0.5 / math.sqrt(5), rows.good.relative_delta)
    assert.is_truthy(warnings:find("'nan' holds NaN", 1, true))
    assert.is_nil(warnings:find("'good'", 1, true))
  end)

  describe("warns", function()
    local shapes = {}
    local function matrices(from, scale)
      local out = {}
      for i = 0, 5 do
        local name = ("layers.%d.w"):format(i)
        shapes[name] = { 8, 8 }
        out[name] = from and near_to(from[name], scale) or toy.random(64)
      end
      return out
    end
    local root = matrices()

    it("of models that have no common ancestor", function()
      local _, warnings = diff(toy.write(root, shapes), toy.write(matrices(), shapes))
      assert.is_truthy(warnings:find("A and B are not of one family", 1, true))
    end)

    it("of the one that does not come from the base", function()
      local child, stranger = toy.write(matrices(root, 0.05), shapes), toy.write(matrices(), shapes)
      local _, warnings = diff(child, stranger, { base = toy.write(root, shapes) })
      assert.is_truthy(warnings:find("B and the base are not of one family", 1, true))
      assert.is_nil(warnings:find("A and the base", 1, true))
    end)

    it("of a single matrix that is another", function()
      local odd = matrices(root, 0.05)
      odd["layers.3.w"] = toy.random(64)
      local _, warnings = diff(toy.write(root, shapes), toy.write(odd, shapes))
      assert.is_truthy(warnings:find("A and B differ wholly in places: ", 1, true))
    end)

    it("of deltas longer than a fifth of the base, and not of shorter ones", function()
      local close, far = toy.write(matrices(root, 0.1), shapes), toy.write(matrices(root, 0.8), shapes)
      local _, warnings = diff(close, far, { base = toy.write(root, shapes) })
      assert.is_truthy(warnings:find("the distance of B from the base is %d+ %% of the base's length"))
      assert.is_nil(warnings:find("of A from", 1, true))
    end)

    it("of a layer whose delta is long where the whole is not", function()
      local long = matrices(root, 0.02)
      long["layers.4.w"] = near_to(root["layers.4.w"], 0.45)
      local short = toy.write(matrices(root, 0.02), shapes)
      local _, warnings = diff(short, toy.write(long, shapes), { base = toy.write(root, shapes) })
      assert.is_truthy(warnings:find("in 1 of 6 layers and modules (layers.4: ", 1, true))
    end)
  end)

  describe("writes a page", function()
    local function page(x, y, options)
      options = options or {}
      options.html = toy.folder .. "/page.html"
      mw.diff(x, y, options)
      local file = assert(io.open(options.html, "rb"))
      local text = file:read("a")
      file:close()
      return text
    end

    it("whole, without scripts and without anything from elsewhere", function()
      local text = page(A, B, { base = C })
      assert.is_truthy(text:find("^<!doctype html>"))
      assert.is_truthy(text:find("</html>\n$"))
      for _, word in ipairs { "<script", "http://", "https://", "url(", "nan", "inf%f[%A]", "<img", "<link" } do
        assert.is_nil(text:lower():find(word), word)
      end
      local _, charts = text:gsub("<svg ", "")
      assert.equal(7, charts) -- four of layers, and three maps
      for name in pairs(base) do assert.is_truthy(text:find(name:gsub("%.", ".<wbr>"), 1, true), name) end
    end)

    it("in which every element is closed", function()
      local open = {}
      for close, name, attributes in page(A, B, { base = C }):gmatch("<(/?)([%a%d]+)([^<>]*)>") do
        local void = name == "meta" or name == "wbr" or name == "input" or attributes:sub(-1) == "/"
        if close == "/" then assert.equal(name, table.remove(open)) elseif not void then open[#open + 1] = name end
      end
      assert.same({}, open)
    end)

    it("whose charts are XML too: no entities but XML's own", function()
      for entity in page(A, B, { base = C }):gmatch("&([^;]*);") do
        assert.is_truthy(entity:find("^#%d+$") or ("amp lt gt quot"):find(entity, 1, true), entity)
      end
    end)

    it("with every name escaped", function()
      local bad = "<script>alert('x')</script>&\\u0001"
      local x = write_raw { { bad, "F32", "1", string.pack("<f", 1) } }
      local y = write_raw { { bad, "F32", "2", string.pack("<ff", 1, 1) } }
      local text = page(x, y)
      assert.is_nil(text:find("<script", 1, true))
      assert.is_nil(text:find("\1", 1, true))
      assert.is_truthy(text:find("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;", 1, true))
    end)

    it("of models in which nothing can be compared", function()
      local text = page(write_raw { { "x", "F32", "1", "abcd" } }, write_raw { { "y", "I8", "1", "a" } })
      assert.is_truthy(text:find("only in A", 1, true))
      assert.is_truthy(text:find("only in B", 1, true))
    end)
  end)
end)
