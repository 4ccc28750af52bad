--- toy.lua: small safetensors files written and read in plain Lua, and recipes run on them through moonweld.so. They lie in a
-- folder of their own, which is removed when Lua ends.
local mw = require "moonweld"
local toy = setmetatable({}, { __gc = function(self) os.execute("rm -rf '" .. self.folder .. "'") end })

local folder = io.popen("mktemp -d"):read()
toy.folder = folder

local count = 0
local function path(ending)
  count = count + 1
  return folder .. "/" .. count .. ending
end

toy.path = path

--- Writes { name = { values... } } as F32 tensors of one dimension (or `shapes[name]`).
function toy.write(tensors, shapes)
  local names, parts, data, at = {}, {}, {}, 0
  for name in pairs(tensors) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local values = tensors[name]
    local shape = shapes and shapes[name] or { #values }
    for _, value in ipairs(values) do data[#data + 1] = string.pack("<f", value) end
    parts[#parts + 1] = string.format('"%s":{"dtype":"F32","shape":[%s],"data_offsets":[%d,%d]}', name,
      table.concat(shape, ","), at, at + 4 * #values)
    at = at + 4 * #values
  end
  local header = "{" .. table.concat(parts, ",") .. "}"
  header = header .. (" "):rep(-#header % 8)
  local file = path(".safetensors")
  local out = assert(io.open(file, "wb"))
  out:write(string.pack("<I8", #header), header, table.concat(data))
  out:close()
  return file
end

--- A file that holds a text.
function toy.text(ending, text)
  local file = path(ending)
  local out = assert(io.open(file, "w"))
  out:write(text)
  out:close()
  return file
end

--- A model's folder: its tensors and its config.json.
function toy.model(tensors, shapes, config)
  local file, place = toy.write(tensors, shapes), path("-model")
  os.execute("mkdir '" .. place .. "' && mv '" .. file .. "' '" .. place .. "/model.safetensors'")
  local out = assert(io.open(place .. "/config.json", "w"))
  out:write(config)
  out:close()
  return place
end

--- Whether a function raises an error that has this text.
function toy.refuses(text, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok and tostring(message):find(text, 1, true), ("expected: %s\nfound:    %s"):format(text, tostring(message)))
end

--- The bytes of a file.
function toy.bytes(file)
  local input = assert(io.open(file, "rb"))
  local bytes = input:read "a"
  input:close()
  return bytes
end

--- Reads F32 tensors back.
function toy.read(file)
  local bytes = toy.bytes(file)
  local n = string.unpack("<I8", bytes)
  local tensors = {}
  for name, from, to in bytes:sub(9, 8 + n):gmatch('"([^"]+)":{"dtype":"F32","shape":%[[%d,]*%],"data_offsets":%[(%d+),(%d+)%]}') do
    local values = {}
    for at = tonumber(from), tonumber(to) - 4, 4 do values[#values + 1] = string.unpack("<f", bytes, 9 + n + at) end
    tensors[name] = values
  end
  return tensors
end

--- Runs a recipe (a name, or the text of a file) on files and gives the tensors of the result.
function toy.run(recipe, arguments, options)
  if recipe:find("return", 1, true) then recipe = toy.text(".lua", recipe) end
  options = options or {}
  options.output = path("-out")
  mw.merge(recipe, arguments, options)
  return toy.read(options.output .. "/model.safetensors")
end

--- The recipe "x, y -> expression".
function toy.expression(text)
  return 'return recipe { "An expression.", arg.model("x", "a model"), arg.model("y", "a model"), arg.seed(),\n' ..
    "function(a) local x, y = a.x, a.y\n return where(x:eq(x), " .. text .. ", x:abs()) end }" -- of no known weight
end

--- Rounds to f32.
function toy.f32(value) return (string.unpack("<f", string.pack("<f", value))) end

function toy.random(n, scale)
  local values = {}
  for i = 1, n do values[i] = toy.f32((math.random() * 2 - 1) * (scale or 1)) end
  return values
end

return toy
