-- disk.lua MOONWELD SHIM WORK [all]: the power is cut on a real file system, ext4 and with `all`, where it can be made, xfs, in an image that is mounted:
-- before every call that may change it (without `all`, before every 13th) the disk is shut down (FS_IOC_SHUTDOWN, by shim.c) and the merge killed. What was
-- not yet on the disk is lost; once with the names of the last seconds, once with their journal just written, so that names are there
-- and data that nobody synced is not. Then the image is mounted again, which replays the journal as after a power cut. Promised: OUT is
-- then absent, the old one or complete, byte for byte; and the same command makes the output of an undisturbed run from what is there.
local moonweld, shim, work, all = arg[1], arg[2], arg[3], arg[4] == "all"
local passed, failed = 0, 0
local toy = dofile "tests/faults/toy.lua"

local a, b, image, room = work .. "/a", work .. "/b", work .. "/image", work .. "/disk"
toy.steps(a, 1)
toy.steps(b, 3)
os.execute("mkdir -p " .. room)

local function shell(text, ...) return toy.run((text .. " 2> " .. work .. "/err"):format(...)) end
local function mount() assert(shell("mount -o loop %s %s", image, room) == 0, toy.read(work .. "/err")) end
local function unmount() assert(shell("umount %s", room) == 0, toy.read(work .. "/err")) end

local function merge(out, t, options, before)
  return shell("MOONWELD_JOURNAL=8000 %s exec '%s' lerp --a %s --b %s --t %s --threads 2 --shard-size 30kB -o %s/%s --quiet --force %s", before or "",
    moonweld, a, b, t, room, out, options)
end

local function files()
  local found = toy.files(room)
  for path in pairs(found) do if path:find("/lost+found/", 1, true) then found[path] = nil end end
  return found
end

-- Of every `unsound` case some cut must show damage: what is not synced is lost, else nothing here could fail.
local function case(system, out, replacing, how, options, unsound)
  local title = ("%s, %s%s, %s %s"):format(system, out, replacing and " replaced" or "", how, options)
  local path, saved = room .. "/" .. out, image .. ".begun"
  local function begin() assert(shell("cp --sparse=always %s %s", saved, image) == 0) end
  local old = {}
  mount()
  assert(shell("rm -rf %s/out*", room) == 0)
  if replacing then
    assert(merge(out, 0.25, "") == 0, toy.read(work .. "/err"))
    old = files()
  end
  unmount()
  assert(shell("cp --sparse=always %s %s", image, saved) == 0)
  mount()
  assert(merge(out, 0.5, options) == 0, toy.read(work .. "/err"))
  local complete = files()
  unmount()
  local bad, cuts, n = 0, 0, all and 1 or 3
  local function wrong(text)
    bad = bad + 1
    if not unsound then print(("not ok: %s: power cut before call %d: %s"):format(title, n, text)) end
  end
  repeat
    begin()
    mount()
    local code = merge(out, 0.5, options, ("LD_PRELOAD=%s FAULT=change:%d:%s FAULT_DISK=%s"):format(shim, n, how, room))
    -- Beyond the last call the power is cut when all is said.
    if code == 0 then assert(shell("LD_PRELOAD=%s FAULT=any:1:%s FAULT_DISK=%s cat %s/config.json", shim, how, room, a) == 137) end
    unmount()
    mount()
    local here = toy.below(files(), path)
    local none, whole = next(here) == nil and not replacing, toy.same(here, toy.below(complete, path))
    if code ~= 137 and code ~= 0 then wrong(("it ended with %d: %s"):format(code, toy.read(work .. "/err")))
    elseif not (whole or code ~= 0 and (none or replacing and toy.same(here, toy.below(old, path)))) then
      wrong(code == 0 and "said to be done, but the output is not complete" or "the output is neither absent, nor the old one, nor complete")
    elseif merge(out, 0.5, options) ~= 0 then wrong("the next run ends with: " .. toy.read(work .. "/err"))
    elseif not toy.same(files(), complete) then wrong("the next run makes something else") end
    unmount()
    cuts, n = cuts + 1, n + (all and 1 or 13)
  until code == 0
  if cuts < 4 then wrong("it ends too soon") end
  if (bad > 0) == unsound then passed = passed + 1 else failed = failed + 1 end
  if unsound and bad == 0 then print("not ok: " .. title .. ": nothing was lost") end
end

for _, system in ipairs { { "ext4", "truncate -s 24M %s && mkfs.ext4 -q %s" }, { "xfs", "truncate -s 300M %s && mkfs.xfs -q %s" } } do
  os.remove(image)
  if (all or system[1] == "ext4") and shell(system[2]:gsub("%%s", image)) == 0 then
    for _, how in ipairs { "cut", "cut_names" } do
      for _, out in ipairs { "out", "out.safetensors" } do
        for _, replacing in ipairs { false, true } do case(system[1], out, replacing, how, "", false) end
      end
    end
    case(system[1], "out", false, "cut_names", "--no-sync", true)
  end
end

print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0)
