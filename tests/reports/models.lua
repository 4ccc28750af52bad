--- models.lua: what the cases of this folder are made of. Small checkpoints of any dtype, written in plain Lua, a shell to
-- run the program in, and a reader of what it wrote. Each case stands for a public report of a merge that went wrong: its
-- name says what a user may rely on.
local M = setmetatable({}, { __gc = function(self) os.execute("rm -rf '" .. self.folder .. "'") end })

M.folder = io.popen("mktemp -d"):read()

local sizes = { F64 = 8, F32 = 4, F16 = 2, BF16 = 2, I64 = 8, I32 = 4, I16 = 2, I8 = 1, U8 = 1, U16 = 2, U32 = 4, U64 = 8, BOOL = 1,
  F8_E4M3 = 1, F8_E5M2 = 1 }
local forms = { F64 = "<d", F32 = "<f", I64 = "<i8", I32 = "<i4", I16 = "<i2", I8 = "<i1", U8 = "<I1", U16 = "<I2", U32 = "<I4",
  U64 = "<I8", BOOL = "<I1", F8_E4M3 = "<I1", F8_E5M2 = "<I1" }

--- One number as its bytes: BF16 and F16 hold what they can exactly; F8 takes the byte itself.
local function pack(dtype, value)
  if dtype == "BF16" then return string.pack("<f", value):sub(3, 4) end
  if dtype == "F16" then
    if value == 0 then return "\0\0" end
    local mantissa, exponent = math.abs(value), 0
    while mantissa >= 2 do mantissa, exponent = mantissa / 2, exponent + 1 end
    while mantissa < 1 do mantissa, exponent = mantissa * 2, exponent - 1 end
    return string.pack("<I2", (value < 0 and 0x8000 or 0) + (exponent + 15) * 1024 + math.floor((mantissa - 1) * 1024 + 0.5))
  end
  return string.pack(forms[dtype], value)
end

local function unpack(dtype, bytes, at)
  if dtype == "BF16" then return (string.unpack("<f", "\0\0" .. bytes:sub(at, at + 1))) end
  if dtype == "F16" then
    local bits = string.unpack("<I2", bytes, at)
    local exponent, mantissa = bits >> 10 & 31, bits & 1023
    local size = exponent == 0 and mantissa * 2.0 ^ -24 or (1 + mantissa / 1024) * 2.0 ^ (exponent - 15)
    return bits >= 0x8000 and -size or size
  end
  return (string.unpack(forms[dtype], bytes, at))
end

function M.write(file, bytes)
  local folder = file:match("^(.*)/")
  if folder then os.execute("mkdir -p '" .. M.folder .. "/" .. folder .. "'") end
  local out = assert(io.open(M.folder .. "/" .. file, "wb"))
  out:write(bytes)
  out:close()
end

function M.bytes(file)
  local input = io.open(M.folder .. "/" .. file, "rb")
  if not input then return nil end
  local bytes = input:read "a"
  input:close()
  return bytes
end

--- A safetensors file: tensors { name = { dtype, shape, values or one value for all } }.
function M.safetensors(file, tensors, metadata)
  local names, parts, data, at = {}, {}, {}, 0
  for name in pairs(tensors) do names[#names + 1] = name end
  table.sort(names, function(a, b) -- as the reference writer does: wide dtypes first
    local x, y = sizes[tensors[a][1]], sizes[tensors[b][1]]
    if x ~= y then return x > y end
    return a < b
  end)
  if metadata then parts[1] = '"__metadata__":' .. metadata end
  for _, name in ipairs(names) do
    local dtype, shape, values = table.unpack(tensors[name])
    local count, bytes = 1, {}
    for _, n in ipairs(shape) do count = count * n end
    for i = 1, count do bytes[i] = pack(dtype, type(values) == "table" and values[i] or values) end
    data[#data + 1] = table.concat(bytes)
    parts[#parts + 1] = ('"%s":{"dtype":"%s","shape":[%s],"data_offsets":[%d,%d]}'):format(name, dtype, table.concat(shape, ","), at,
      at + count * sizes[dtype])
    at = at + count * sizes[dtype]
  end
  local header = "{" .. table.concat(parts, ",") .. "}"
  header = header .. (" "):rep(-#header % 8)
  M.write(file, string.pack("<I8", #header) .. header .. table.concat(data))
end

--- A folder: model.safetensors, config.json, and further files { name = bytes }.
function M.model(folder, tensors, config, files)
  M.safetensors(folder .. "/model.safetensors", tensors)
  if config then M.write(folder .. "/config.json", config) end
  for name, bytes in pairs(files or {}) do M.write(folder .. "/" .. name, bytes) end
end

--- The tensors of a file: { name = { dtype =, shape =, values... } }, or nil where there is no file. `part`: those alone whose name has it.
function M.read(file, part)
  local bytes = M.bytes(file)
  if not bytes then return nil end
  local n, tensors = string.unpack("<I8", bytes), {}
  for name, dtype, shape, from, to in bytes:sub(9, 8 + n):gmatch('"([^"]+)":{"dtype":"(%w+)","shape":%[([%d,]*)%],"data_offsets":%[(%d+),(%d+)%]}') do
    if not part or name:find(part, 1, true) then
      local tensor = { dtype = dtype, shape = shape }
      for at = tonumber(from), tonumber(to) - 1, sizes[dtype] do tensor[#tensor + 1] = unpack(dtype, bytes, 9 + n + at) end
      tensors[name] = tensor
    end
  end
  return tensors
end

--- Runs a command line in the folder; `moonweld` is the program, and lies in $program. Gives its exit code, and what it says (both streams).
function M.run(command)
  local program = os.getenv "MOONWELD" or "build/moonweld"
  if program:sub(1, 1) ~= "/" then program = io.popen("pwd"):read "l" .. "/" .. program end
  local pipe = assert(io.popen(("cd '%s' && { program='%s'; moonweld() { \"$program\" \"$@\"; }; %s; } 2>&1; echo \"code $?\""):format(M.folder, program, command)))
  local said = pipe:read "a"
  pipe:close()
  return tonumber(said:match "code (%d+)\n$"), (said:gsub("code %d+\n$", ""))
end

--- A merge that must be refused, in one line that holds each of the words; nothing is written.
function M.refused(command, ...)
  local code, said = M.run(command .. " -o refused")
  assert(code >= 64 and code <= 75 and code ~= 70, ("exit %s: %s"):format(code, said))
  for _, words in ipairs { ... } do assert(said:find(words, 1, true), ("'%s' is not said in: %s"):format(words, said)) end
  assert(not M.bytes "refused/merge.lock.json" and not M.bytes "refused/model.safetensors", "something was written")
  return said
end

local made = 0

--- A merge that must be made. Gives its tensors, what was said, and the name of its folder.
function M.made(command)
  made = made + 1
  local out = "out" .. made
  local code, said = M.run(command .. " -o " .. out)
  assert(code == 0, ("exit %s: %s"):format(code, said))
  return M.read(out .. "/model.safetensors"), said, out
end

return M
