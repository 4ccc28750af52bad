--- mock_core.lua: the border to C (core.c) in plain Lua, so that the prelude can be judged alone: every node is computed
-- at once, on small arrays, by the naive meaning that elementwise.def gives its operation. Tensors round to f32, scalars stay f64.
local mock = {}

local function f32(x) return (string.unpack("<f", string.pack("<f", x))) end
local function truth(b) return b and 1 or 0 end

local elementwise = dofile "src/tools/elementwise.lua" ()

--- A C expression of the table in Lua, with numbers for truths: `b == 0 ? 0 : a / b` is choose(truth(b == 0), 0, a / b).
local function in_lua(c)
  local inner = {}
  local text = c:gsub("%b()", function(part)
    inner[#inner + 1] = "(" .. in_lua(part:sub(2, -2)) .. ")"
    return "<" .. #inner .. ">"
  end)
  local first, rest = text:match "^(.-), (.*)$"
  local condition, yes, no = text:match "^(.-) %? (.-) : (.*)$"
  local left, sign, right = text:match "^(.-) ([=!<>]=?) (.*)$"
  if first then text = in_lua(first) .. ", " .. in_lua(rest)
  elseif condition then text = ("choose(%s, %s, %s)"):format(in_lua(condition), in_lua(yes), in_lua(no))
  elseif sign then text = ("truth(%s %s %s)"):format(left, (sign:gsub("!", "~")), right) end
  return (text:gsub("<(%d+)>", function(i) return inner[tonumber(i)] end))
end

local map = {}
local known = setmetatable({ truth = truth, choose = function(m, a, b) if m ~= 0 then return a end return b end,
  pow = function(a, b) return a ^ b end,
  nearest = function(a) local n = math.floor(a + 0.5) return a + 0.5 == n and n % 2 == 1 and n - 1 or n end,
  tanh = function(a) local e = math.exp(2 * a) return (e - 1) / (e + 1) end }, { __index = math })
for _, entry in ipairs(elementwise) do
  local c = entry.expression:gsub("%(R%)", ""):gsub("%(double%)", ""):gsub("MW_(%u+)", string.lower):gsub("mw_mathx_", "")
  map[entry.name] = assert(load("local a, b, c = ... return " .. in_lua(c), entry.name, "t", known))
end

--- A prelude over `models`: array of { label =, tensors = { name = { values... } } }; `files` are what require finds.
function mock.prelude(models, files)
  local core = { models = {}, seed = 0, node_metatable = {}, draws = {}, warnings = {}, elementwise = {},
    reserved = { output = true, seed = true, threads = true } }
  for i, entry in ipairs(elementwise) do core.elementwise[i] = { entry.name, entry.written, entry.kind } end
  local private = setmetatable({}, { __mode = "k" }) -- node -> { values =, scalar =, mass = }

  local made = 0
  local function node(values, scalar, mass)
    local handle = setmetatable({}, core.node_metatable)
    made = made + 1
    private[handle] = { values = values, scalar = scalar, mass = mass, id = made }
    return handle
  end
  local function read(x) return type(x) == "number" and { values = { x }, scalar = true, constant = x, mass = 0 } or assert(private[x]) end

  local function mass_of(op, a, b)
    if op == "add" then return a.mass + b.mass elseif op == "sub" then return a.mass - b.mass end
    if op == "mul" and a.constant then return a.constant * b.mass elseif op == "mul" and b.constant then return b.constant * a.mass end
    if op == "div" and b.constant then return a.mass / b.constant end
    return 0 / 0
  end

  local function all_of(tensors, f)
    local values = {}
    for _, t in ipairs(tensors) do for _, v in ipairs(read(t).values) do values[#values + 1] = f(v) end end
    return values
  end

  local special = {}
  function special.total(x) local sum = 0 for _, v in ipairs(read(x).values) do sum = sum + v end return node({ sum }, true, 0 / 0) end
  function special.dot(x, y)
    local sum, other = 0, read(y).values
    for i, v in ipairs(read(x).values) do sum = sum + v * other[i] end
    return node({ sum }, true, 0 / 0)
  end
  function special.peak(x) return node({ math.max(table.unpack(all_of({ x }, math.abs))) }, true, 0 / 0) end
  function special.kth(tensors, rank)
    local values = all_of(tensors, math.abs)
    table.sort(values)
    local handle = node({ assert(values[rank + 1], "rank outside") }, true, 0 / 0)
    read(handle).rank = rank
    return handle
  end
  function special.quantile(tensors, rank)
    local values = all_of(tensors, function(v) return v end)
    table.sort(values)
    return node({ assert(values[rank + 1], "rank outside") }, true, 0 / 0)
  end
  function special.tie(tensors, kth, behind)
    local values, order = all_of(tensors, math.abs), {}
    for i in ipairs(values) do order[i] = i end
    if behind == 1 then -- of those that equal it the last ones have its rank
      table.sort(order, function(i, j) return values[i] < values[j] or (values[i] == values[j] and i < j) end)
      local before = order[read(kth).rank]
      return node({ before and values[before] == read(kth).values[1] and before - 1 or -1 }, true, 0 / 0)
    end
    table.sort(order, function(i, j) return values[i] < values[j] or (values[i] == values[j] and i > j) end)
    return node({ order[read(kth).rank + 1] - 1 }, true, 0 / 0)
  end
  function special.top(x, threshold, last, first, behind)
    local values, limit, cut = {}, read(threshold).values[1], read(last).values[1]
    for i, v in ipairs(read(x).values) do
      values[i] = truth(math.abs(v) > limit or (math.abs(v) == limit and (first + i - 1 <= cut) == (behind ~= 1)))
    end
    return node(values, false, 0 / 0)
  end
  local drawn = {} -- equal draws are one node
  function special.bernoulli(x, p, key, name)
    local values, all = {}, table.concat({ core.id(x), read(p).values[1], key, name }, " ")
    for i = 1, #read(x).values do values[i] = truth(core.uniform(core.label(key, name), i) < read(p).values[1]) end
    drawn[all] = drawn[all] or node(values, false, 0 / 0)
    return drawn[all]
  end
  function core.is_vector() return false end
  function special.vector(x) return x end
  function special.columns(x, c)
    local values, columns = {}, read(c).values
    for i, v in ipairs(read(x).values) do values[i] = f32(v * columns[(i - 1) % #columns + 1]) end
    return node(values, false, read(x).mass)
  end

  function core.apply(op, ...)
    if special[op] then return special[op](...) end
    local f, operands, count, scalar = assert(map[op], op), { ... }, 1, true
    for i, x in ipairs(operands) do
      operands[i] = read(x)
      if not operands[i].scalar then count, scalar = #operands[i].values, false end
    end
    local values = {}
    for i = 1, count do
      local inner = {}
      for k, x in ipairs(operands) do
        -- a scalar meets a tensor as an f32
        inner[k] = x.scalar and (scalar and x.values[1] or f32(x.values[1])) or x.values[i]
      end
      values[i] = scalar and f(table.unpack(inner)) or f32(f(table.unpack(inner)))
    end
    local result = node(values, scalar, mass_of(op, operands[1], operands[2]))
    local constant = scalar
    for _, x in ipairs(operands) do constant = constant and x.constant ~= nil end
    if constant then private[result].constant, private[result].mass = values[1], 0 end
    return result
  end

  function core.compute(op, ...) return map[op](...) end
  function core.each() end -- all is done tensor by tensor
  function core.block() end

  function core.try(op, ...)
    local numbers = true
    for i = 1, select("#", ...) do
      local x = (select(i, ...))
      if type(x) ~= "number" and not private[x] then return nil, i end
      numbers = numbers and type(x) == "number"
    end
    local result = core.apply(op, ...)
    return numbers and read(result).constant or result
  end
  function core.number(x) local n = node({ x }, true, 0) private[n].constant = x return n end
  function core.input(m, row) return node(models[m].tensors[core.models[m].names[row]], false, 1) end
  function core.shape(x) return not read(x).scalar and { #read(x).values } or nil end
  function core.is_tensor(x) return not read(x).scalar end
  function core.elements(x) return #read(x).values end
  function core.value(x) return read(x).constant end
  function core.id(x) return read(x).id end
  function core.is_node(x) return private[x] ~= nil end
  function core.is_factor(_) return false end
  function core.unscaled(_) return nil end
  function core.mass(nodes) local masses = {} for i, n in ipairs(nodes) do masses[i] = read(n).mass end return masses end
  function core.label(key, text)
    for i = 1, #text do key = (key * 6364136223846793005 + text:byte(i) + 1442695040888963407) end
    return key ~ (key >> 29)
  end
  function core.uniform(key, draw) return (core.label(key, "draw" .. draw) >> 11) / 2.0 ^ 53 end
  function core.beta(key) return core.uniform(key, 0) end
  function core.dirichlet(_, n) local parts = {} for i = 1, n do parts[i] = 2 * i / (n * (n + 1)) end return parts end
  function core.drawn(text, value) core.draws[#core.draws + 1] = { text, value } end
  function core.glob(pattern, text) return text:find("^" .. pattern:gsub("[%.%-%+]", "%%%0"):gsub("%*", ".*"):gsub("%?", ".") .. "$") ~= nil end
  function core.distance(a, b)
    local row = {}
    for j = 0, #b do row[j] = j end
    for i = 1, #a do
      local corner = row[0]
      row[0] = i
      for j = 1, #b do
        local cost = a:byte(i) == b:byte(j) and corner or corner + 1
        corner, row[j] = row[j], math.min(cost, row[j] + 1, row[j - 1] + 1)
      end
    end
    return row[#b]
  end
  function core.plain(text) return utf8.len(text) ~= nil and not text:find("%c") end
  function core.shown(text) return (text:gsub("%c", "?")) end
  function core.fail(kind, message) error({ kind = kind, message = message }, 0) end
  function core.print() end
  function core.warn(text) core.warnings[#core.warnings + 1] = text end
  function core.renamed(name, from, to)
    local pattern = "^" .. from:gsub("[%.%-%+]", "%%%0"):gsub("%*", "(.-)") .. "$"
    local found = { name:match(pattern) }
    if #found == 0 then return nil end
    return (to:gsub("%*", function() return table.remove(found, 1) end))
  end
  function core.layer_of(name) -- the rule of src/model/layer_name.h
    local stack, number, rest = name:match "^(..-)%.(%d+)%.(.+)$"
    if not stack then return nil end
    local layered = rest:find(".", 1, true) or stack:find "layers?$" or stack:find "blocks?$" or stack == "h" or stack:find "%.h$"
    if layered then return stack, tonumber(number), rest end
  end
  function core.load(text, chunk, env) return load(text, chunk, "t", env) end
  function core.require(name)
    name = name:gsub("^recipes/", "")
    if files and files[name] then return files[name], "@" .. name .. ".lua" end
    local file = io.open("recipes/" .. name .. ".lua") or core.fail("data", "there is no recipe '" .. name .. "'")
    local text = file:read "a"
    file:close()
    return text, "@" .. name .. ".lua"
  end

  for m, model in ipairs(models) do
    local names, rows = {}, {}
    for name in pairs(model.tensors) do names[#names + 1] = name end
    table.sort(names)
    for i in ipairs(names) do rows[i] = i end
    core.models[m] = { label = model.label or "model " .. m, names = names, rows = rows, kept = {} }
  end
  core.donor, core.configs = 1, {}

  -- The prelude's chunks take a node for the userdata that it is in C, and must not freeze the strings of this process.
  local strings = {}
  local world = setmetatable({
    type = function(x) return private[x] and "userdata" or type(x) end,
    getmetatable = function(x) if type(x) == "string" then return strings end return getmetatable(x) end,
  }, { __index = _G })
  local loaded = {}
  function core.module(name)
    if loaded[name] == nil then loaded[name] = assert(loadfile("lua/moonweld/" .. name .. ".lua", "t", world))(core) end
    return loaded[name]
  end
  return core.module "init", core, function(x) return read(x).values end
end

return mock
