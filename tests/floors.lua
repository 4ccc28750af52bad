-- floors.lua [BUILD]: the house rules that a program can check. Every #include stays on its floor or goes down; each
-- foreign library has one door; no source has more than 500 lines; an exported name begins with its file's; no two
-- sources share a name. Names are read from the objects in BUILD/obj, so the build comes first.
local build = arg and arg[1] or "build"

-- Which floors a floor may include beside itself. The public header is for all of them.
local below = {
  base = {},
  io   = { base = true },
  num  = { base = true },
  expr = { base = true },
  text = { base = true, io = true },
  exec = { base = true, io = true, num = true, expr = true },
  learn = { base = true, io = true, num = true, expr = true, text = true, exec = true }, -- a neighbour of exec, which does not know it
  bind = { base = true, io = true, num = true, expr = true, text = true, exec = true, learn = true },
  cli  = {},
  tools = {},
}

-- Foreign headers: the floor that may have them, and whether one file of it is the only door.
local doors = {
  ["lua.h"] = { floor = "bind" }, ["lauxlib.h"] = { floor = "bind" }, ["lualib.h"] = { floor = "bind" },
  ["seccomp.h"] = { floor = "bind", single = true },
  ["omp.h"] = { floor = { exec = true, learn = true } },
  ["cblas.h"] = { floor = "num", single = true },
  ["pcre2.h"] = { floor = "text", single = true },
  ["utf8proc.h"] = { floor = "text", single = true },
}

-- A rule is a case, known by the sentence that tells of a breach.
local kept = {}
local function check(good, sentence, ...)
  kept[sentence] = kept[sentence] ~= false and good and true
  if not good then print("not ok: " .. sentence:format(...)) end
end

local function lines_of(command)
  local list, pipe = {}, assert(io.popen(command))
  for line in pipe:lines() do list[#list + 1] = line end
  pipe:close()
  return list
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("a")
  file:close()
  return text
end

local sources = lines_of("find src include -type f | LC_ALL=C sort")
local by_name, door_of = {}, {}

for _, path in ipairs(sources) do
  local text = read(path)
  local floor, name = path:match("^src/([^/]+)/(.+)$")
  name = name or path:match("([^/]+)$")

  check(not by_name[name], "%s and %s have one name", path, tostring(by_name[name]))
  by_name[name] = path

  local _, count = text:gsub("\n", "\n")
  check(count <= 500, "%s has %d lines; 500 is the limit", path, count)

  if floor then
    check(below[floor], "%s: there is no floor '%s'", path, floor)
    for mark, header in text:gmatch('\n%s*#%s*include%s*([<"])([^>"\n]+)[>"]') do
      local base = header:match("([^/]+)$")
      local other = header:match("^([^/]+)/")
      if mark == '"' and header ~= "moonweld.h" then
        check(not other or other == floor or (below[floor] or {})[other],
              "%s includes %s: %s may not know %s", path, header, floor, tostring(other))
      elseif doors[base] then
        local door = doors[base]
        local home = type(door.floor) == "table" and door.floor[floor] or door.floor == floor
        check(home, "%s includes <%s>, whose door is on another floor", path, header)
        if door.single then
          check(not door_of[base] or door_of[base] == path, "<%s> has two doors: %s and %s", header,
                tostring(door_of[base]), path)
          door_of[base] = path
        end
      end
    end
  end
end

-- What the public header declares may be defined by whatever file of bind implements it.
local public = {}
for name in read("include/moonweld.h"):gmatch("([%w_]+)%s*%(") do public[name] = true end
public.pow = true -- power.c stands in for the C library's

local objects = lines_of("find " .. build .. "/obj -mindepth 2 -name '*.o' 2>/dev/null | LC_ALL=C sort")
check(#objects > 0, "there are no objects in %s/obj; run make first", build)
for _, object in ipairs(objects) do
  local stem = object:match("([^/]+)%.o$")
  if by_name[stem .. ".c"] then -- else an object whose source is gone
    for _, line in ipairs(lines_of("nm -g --defined-only " .. object)) do
      local kind, symbol = line:match("(%a) ([%w_.]+)$")
      -- Weak and underscored names are the compiler's and the sanitizers'.
      if kind and not kind:match("[VvWwU]") and not symbol:match("^[_.]") and symbol ~= "main" and not public[symbol] then
        local own = "mw_" .. stem
        check(symbol == own or symbol:sub(1, #own + 1) == own .. "_", "%s.c exports %s; its names begin with %s_",
              stem, symbol, own)
      end
    end
  end
end

local passed, failed = 0, 0
for _, whole in pairs(kept) do
  if whole then passed = passed + 1 else failed = failed + 1 end
end
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0)
