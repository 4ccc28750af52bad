-- power.lua MOONWELD SHIM WORK [all]: the power is cut after every call that changes the file system (without `all`, after every
-- sixth, and where something gets its name). A merge is run once and logged (power.c). Then for each cut the disk is made as it would be: names as they were,
-- and of every file the bytes of its last sync, with zeros where later ones were lost. That is what ext4 and xfs do at their worst:
-- they keep the order of names, but not that of data. Promised: OUT is then absent, the old one or complete, byte for byte; and the
-- same command makes the output of an undisturbed run from what is there. (Of a lone file, OUT is the weights.)
local moonweld, shim, work, all = arg[1], arg[2], arg[3], arg[4] == "all"
local passed, failed = 0, 0

local toy = dofile "tests/faults/toy.lua"
local run, read, write, files, same, part = toy.run, toy.read, toy.write, toy.files, toy.same, toy.below

local a, b, room = work .. "/a", work .. "/b", work .. "/disk"
toy.steps(a, 1)
toy.steps(b, 3)

local inputs, options = ("--a %s --b %s"):format(a, b), "" -- of every merge
local function merge(out, t, more)
  return run(("MOONWELD_JOURNAL=8000 %s '%s' lerp %s --t %s --threads 2 --shard-size 30kB -o %s/%s --quiet --force %s 2> %s/err"):format(
    more or "exec", moonweld, inputs, t, room, out, options, work))
end

-- ---- the disk ----

-- names[path] is a file { now = bytes in memory, disk = bytes after a cut } or the word "folder".
local function overlay(bytes, at, piece)
  if #bytes < at then bytes = bytes .. ("\0"):rep(at - #bytes) end
  return bytes:sub(1, at) .. piece .. bytes:sub(at + #piece + 1)
end

local function sized(bytes, size) return #bytes < size and bytes .. ("\0"):rep(size - #bytes) or bytes:sub(1, size) end

local function below(path, name) return name == path or name:sub(1, #path + 1) == path .. "/" end

local function move(names, from, to)
  local moved = {}
  for name, what in pairs(names) do
    if below(from, name) then moved[#moved + 1] = { name, to .. name:sub(#from + 1), what } end
  end
  for _, m in ipairs(moved) do names[m[1]] = nil end
  for _, m in ipairs(moved) do names[m[2]] = m[3] end
end

local change = {}
function change.create(names, path) names[path] = names[path] or { now = "", disk = "" } end
function change.mkdir(names, path) names[path] = "folder" end
function change.unlink(names, path) names[path] = nil end
function change.rename(names, path, next) move(names, path, next()) end
function change.swap(names, path, next)
  local other = next()
  move(names, path, work .. "/aside")
  move(names, other, path)
  move(names, work .. "/aside", other)
end
function change.size(names, path, next)
  local file, size = names[path], tonumber(next())
  if #file.now < size then file.now, file.disk = sized(file.now, size), sized(file.disk, size) end
end
function change.cut(names, path, next)
  local file, size = names[path], tonumber(next())
  file.now, file.disk = sized(file.now, size), sized(file.disk, size)
end
function change.sync(names, path)
  if names[path] and names[path] ~= "folder" then names[path].disk = names[path].now end
end
function change.pwrite(names, path, next, bytes)
  local at, length = tonumber(next()), tonumber(next())
  names[path].now = overlay(names[path].now, at, bytes(length))
end

-- Replays the log on `names`; after(count, names, call) is called after every call.
local function replay(log, names, after)
  local at, count = 1, 0
  local function line()
    local stop = log:find("\n", at, true)
    local text = log:sub(at, stop - 1)
    at = stop + 1
    return text
  end
  local function bytes(length)
    at = at + length
    return log:sub(at - length, at - 1)
  end
  while at <= #log do
    local call, path = line():match("^(%w+) (.*)$")
    change[call](names, path, line, bytes)
    count = count + 1
    after(count, names, call)
  end
  return count
end

-- Makes the room as it is after a cut.
local function lay_out(names)
  os.execute("rm -rf " .. room .. " && mkdir " .. room)
  local folders = {}
  for path, what in pairs(names) do if what == "folder" then folders[#folders + 1] = path end end
  table.sort(folders)
  for _, path in ipairs(folders) do os.execute("mkdir -p " .. path) end
  for path, what in pairs(names) do if what ~= "folder" then write(path, #what.disk < #what.now and sized(what.disk, #what.now) or what.disk) end end
end

-- ---- the cases ----

local function case(title, out, replacing, unsound)
  local path, log, bad, cuts = room .. "/" .. out, work .. "/log", 0, 0
  os.execute("rm -rf " .. room .. " && mkdir " .. room)
  assert(merge(out, 0.5) == 0, read(work .. "/err"))
  local complete = files(room)
  os.execute("rm -rf " .. room .. " && mkdir " .. room)
  local names, old = {}, {}
  if replacing then
    assert(merge(out, 0.25) == 0)
    old = files(room)
    for name, bytes in pairs(old) do names[name] = { now = bytes, disk = bytes } end
    for _, folder in ipairs(toy.lines("find " .. room .. " -mindepth 1 -type d")) do names[folder] = "folder" end
  end
  os.remove(log)
  assert(merge(out, 0.5, ("LD_PRELOAD=%s POWER_LOG=%s POWER_ROOT=%s exec"):format(shim, log, room)) == 0, read(work .. "/err"))
  assert(same(files(room), complete))
  local function wrong(n, text)
    bad = bad + 1
    if not unsound then print(("not ok: %s: power cut after call %d: %s"):format(title, n, text)) end
  end
  local total = replay(read(log), names, function(n, _, call)
    if not all and n % 6 ~= 1 and call ~= "rename" and call ~= "swap" then return end
    cuts = cuts + 1
    lay_out(names)
    local found = files(room)
    local here = part(found, path)
    local sound = next(here) == nil and not replacing or same(here, part(complete, path)) or replacing and same(here, part(old, path))
    if not sound then wrong(n, "the output is neither absent, nor the old one, nor complete")
    elseif merge(out, 0.5) ~= 0 then wrong(n, "the next run ends with: " .. read(work .. "/err"))
    elseif not same(files(room), complete) then wrong(n, "the next run makes something else") end
  end)
  if cuts < 6 or total < 25 then wrong(total, "the log is too short") end
  if (bad > 0) == (unsound or false) then passed = passed + 1 else failed = failed + 1 end
end

case("a new folder", "out", false)
case("a folder that is replaced", "out", true)
case("a new file", "out.safetensors", false)
case("a file that is replaced", "out.safetensors", true)
options = "--sha256"
case("a sealed folder that is replaced", "out", true)
options = ""
for name, fill in pairs { pa = 1, pb = 3 } do
  toy.steps(work .. "/" .. name .. "/unet", fill)
  toy.steps(work .. "/" .. name .. "/vae", 2) -- the same in both: it is carried
  write(work .. "/" .. name .. "/model_index.json", '{"unet": ["diffusers", "X"], "vae": ["diffusers", "Y"]}\n')
end
inputs = ("--a %s/pa --b %s/pb"):format(work, work)
if all then case("a new pipeline", "out", false) end
case("a pipeline that is replaced", "out", true)
inputs = ("--a %s --b %s"):format(a, b)
-- What is not synced is lost: else nothing here could fail.
options = "--no-sync"
case("a new folder without a sync", "out", false, true)

print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0)
