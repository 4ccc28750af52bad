-- toy.lua: what the drivers of faults share: commands, files, toy models.
local toy = {}

--- The exit code of a shell's command, 128 and the signal where one ended it.
function toy.run(command)
  local _, how, code = os.execute(command)
  return how == "signal" and 128 + code or code
end

function toy.read(path)
  local file = io.open(path, "rb")
  local text = file and file:read("a")
  if file then file:close() end
  return text
end

function toy.write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

--- Lines that a command prints.
function toy.lines(command)
  local list, pipe = {}, assert(io.popen(command))
  for line in pipe:lines() do list[#list + 1] = line end
  pipe:close()
  return list
end

--- Makes a model of tensors { name, dtype, shape as JSON, bytes }.
function toy.model(folder, tensors)
  local header, data, at = {}, {}, 0
  for i, t in ipairs(tensors) do
    header[i] = ('"%s":{"dtype":"%s","shape":%s,"data_offsets":[%d,%d]}'):format(t[1], t[2], t[3], at, at + #t[4])
    data[i] = t[4]
    at = at + #t[4]
  end
  os.execute("mkdir -p " .. folder)
  toy.write(folder .. "/model.safetensors", string.pack("<s8", "{" .. table.concat(header, ",") .. "}") .. table.concat(data))
  toy.write(folder .. "/config.json", '{"model_type":"toy"}\n')
  toy.write(folder .. "/tokenizer.json", "{}\n")
end

--- Six tensors of 1000 to 6000 floats.
function toy.steps(folder, fill)
  local tensors = {}
  for i = 1, 6 do tensors[i] = { ("layer.%d.weight"):format(i), "F32", ("[%d]"):format(1000 * i), string.pack("<f", fill + i):rep(1000 * i) } end
  toy.model(folder, tensors)
end

--- All files below a folder, by their paths.
function toy.files(folder)
  local found = {}
  for _, path in ipairs(toy.lines("find " .. folder .. " -type f")) do found[path] = toy.read(path) end
  return found
end

--- Of such files those that are the path or lie below it.
function toy.below(found, path)
  local list = {}
  for name, bytes in pairs(found) do
    if name == path or name:sub(1, #path + 1) == path .. "/" then list[name] = bytes end
  end
  return list
end

function toy.same(x, y)
  for path, bytes in pairs(x) do if y[path] ~= bytes then return false end end
  for path in pairs(y) do if x[path] == nil then return false end end
  return true
end

return toy
