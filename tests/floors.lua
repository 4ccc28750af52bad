-- floors.lua [BUILD]: the house rules that a program can check. Every #include stays in its room or goes down; each
-- foreign library has one door, and threads are made behind two; nothing below the command line prints or exits; the public
-- headers need nothing of src; no source has more than 500 lines and no room more than 15 % of all; the name of an
-- exported function or type begins with its file's; no two sources share a name. Functions are read from the objects in
-- BUILD/obj, so the build comes first.
local build = arg and arg[1] or "build"

-- Which rooms a room may include beside itself: those of the floors below it that it needs. The public header is for all.
local below = {
  base   = {},
  format = { base = true },
  num    = { base = true },
  expr   = { base = true },
  mergekit = { base = true },
  text   = { base = true, format = true },
  model  = { base = true, format = true, num = true, text = true },
  vocabulary = { base = true, format = true, text = true, model = true },
  output = { base = true, format = true, model = true, vocabulary = true },
  recipe = { base = true, format = true, num = true, expr = true, mergekit = true, model = true },
  exec   = { base = true, format = true, num = true, expr = true, model = true, output = true },
  learn  = { base = true, format = true, num = true, expr = true, text = true, model = true, output = true, exec = true },
  cluster = { base = true, exec = true },
  report = { base = true, format = true, num = true, expr = true, text = true, model = true, exec = true },
  train  = { base = true, format = true, num = true, expr = true, text = true, model = true, output = true, recipe = true, exec = true,
             learn = true, report = true },
  merge  = { base = true, format = true, num = true, expr = true, text = true, model = true, vocabulary = true, output = true, recipe = true, exec = true,
             cluster = true, learn = true, report = true, train = true },
  pages  = { base = true, format = true, num = true, model = true, output = true, report = true, merge = true },
  module = { base = true, format = true },
  cli    = { base = true, cluster = true, module = true },
  tools  = { base = true, cli = true },
}

-- Whether a room reaches another one by any way down.
local function reaches(from, to, seen)
  for room in pairs(below[from] or {}) do
    if not seen[room] then
      seen[room] = true
      if room == to or reaches(room, to, seen) then return true end
    end
  end
  return false
end

-- Foreign headers: the rooms that may have them, and whether one file of each is the only door.
local doors = {
  ["lua.h"] = { rooms = { recipe = true, module = true, tools = true } }, ["lauxlib.h"] = { rooms = { recipe = true, module = true, tools = true } },
  ["lualib.h"] = { rooms = { recipe = true, module = true, tools = true } },
  ["seccomp.h"] = { rooms = { recipe = true }, single = true },
  ["sha2.h"] = { rooms = { base = true }, single = true }, ["xxhash.h"] = { rooms = { base = true }, single = true },
  ["omp.h"] = { rooms = { exec = true, learn = true }, single = true },
  ["pthread.h"] = { rooms = { exec = true, learn = true }, single = true },
  ["cblas.h"] = { rooms = { num = true }, single = true }, ["dlfcn.h"] = { rooms = { num = true, cli = true }, single = true },
  ["pcre2.h"] = { rooms = { text = true }, single = true },
  ["cJSON.h"] = { rooms = { base = true }, single = true },
  ["mpi.h"] = { rooms = { cluster = true }, single = true },
  ["yaml.h"] = { rooms = { mergekit = true }, single = true },
  ["utf8proc.h"] = { rooms = { text = true }, single = true },
}

-- Which files may start or meet other threads.
local threaded = { ["src/exec/run.c"] = true, ["src/learn/thread_pool.c"] = true, ["src/learn/thread_pool.h"] = true }
-- Short words that stand on every page, in the place of their file's name.
local short = { mw_node = "graph", mw_op = "graph", mw_arena = "mem" }

-- A rule is a case, known by the sentence that tells of a breach.
local kept = {}
local function check(good, sentence, ...)
  kept[sentence] = kept[sentence] ~= false and (good and true or false)
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

for room in pairs(below) do check(not reaches(room, room, {}), "room %s knows itself by way of others: no arrow runs back up", room) end

local sources = lines_of("find src include -type f | LC_ALL=C sort")
local by_name, door_of, lines_in = {}, {}, {}

for _, path in ipairs(sources) do
  local text = read(path)
  local floor, name = path:match("^src/([^/]+)/(.+)$")
  name = name or path:match("([^/]+)$")

  check(not by_name[name], "%s and %s have one name", path, tostring(by_name[name]))
  by_name[name] = path

  local _, count = text:gsub("\n", "\n")
  check(count <= 500, "%s has %d lines; 500 is the limit", path, count)

  local stem, kind = name:match("^(.*)%.(%w+)$")
  if kind == "h" and floor then
    local own, one = "mw_" .. stem, "mw_" .. stem:gsub("s$", "")
    for line in ("\n" .. text):gmatch("\n(typedef [^\n]*)") do
      local typed = line:match("^typedef %l+ (mw_[%w_]+) {") or line:match("%(%*(mw_[%w_]+)%)%(") or line:match("(mw_[%w_]+);") or line:match("^typedef %l+ (mw_[%w_]+)%(")
      check(not typed or typed:sub(1, #own) == own or typed:sub(1, #one) == one or short[typed] == stem, "%s has the type %s; its names begin with %s", path, tostring(typed), own)
    end
  end
  local code = text:gsub("/%*.-%*/", ""):gsub('"[^"\n]*"', '""'):gsub("format%(printf", "")
  if floor and floor ~= "cli" and floor ~= "tools" then
    for _, word in ipairs { "printf", "fprintf", "vprintf", "puts", "fputs", "putc", "fputc", "putchar", "perror", "exit", "abort" } do
      check(not (" " .. code):match("[^%w_]" .. word .. "%s*%("), "%s uses %s: nothing below the command line prints or exits", path, word)
    end
  end
  if floor and floor ~= "cli" and floor ~= "tools" then
    check(not code:match("[^%w_]std[oe][ur][tr]r?[^%w_]"), "%s names a standard stream: nothing below the command line prints", path)
  end
  if name ~= "linux.c" and name ~= "sandbox.c" and floor ~= "tools" then
    for _, word in ipairs { "renameat2", "fallocate", "sync_file_range", "prctl", "close_range" } do
      check(not code:match("[^%w_]" .. word .. "%s*%("), "%s calls %s: what Linux alone has stands in base/linux.c and recipe/sandbox.c", path, word)
    end
  end
  check(threaded[path] or not code:match("#%s*pragma%s+omp") and not code:match("pthread_"), "%s knows of threads; only %s do", path, "exec/run.c and learn/thread_pool.c")

  if floor then
    lines_in[floor] = (lines_in[floor] or 0) + count
    check(below[floor], "%s: there is no room '%s'", path, floor)
    for mark, header in text:gmatch('\n%s*#%s*include%s*([<"])([^>"\n]+)[>"]') do
      local base = header:match("([^/]+)$")
      local other = header:match("^([^/]+)/")
      if mark == '"' and header ~= "moonweld.h" then
        check(not other or other == floor or (below[floor] or {})[other],
              "%s includes %s: %s may not know %s", path, header, floor, tostring(other))
      elseif doors[base] then
        local door = doors[base]
        check(door.rooms[floor], "%s includes <%s>, whose door is in another room", path, header)
        if door.single then
          local key = base .. " in " .. floor
          check(not door_of[key] or door_of[key] == path, "<%s> has two doors: %s and %s", header, tostring(door_of[key]), path)
          door_of[key] = path
        end
      end
    end
  else
    for mark, header in text:gmatch('\n%s*#%s*include%s*([<"])([^>"\n]+)[>"]') do
      check(mark == "<" or not header:match("/"), "%s includes %s: what others see needs nothing of src", path, header)
    end
  end
end

local all = 0
for _, count in pairs(lines_in) do all = all + count end
for room, count in pairs(lines_in) do
  check(count <= 0.15 * all, "src/%s has %d of %d lines; a room has 15 %% at most", room, count, all)
end

-- What the public header declares may be defined by whatever file implements it.
local public = {}
for name in read("include/moonweld.h"):gmatch("([%w_]+)%s*%(") do public[name] = true end
public.pow = true -- cli/power.c stands in for the C library's

local symbols = lines_of("find " .. build .. "/obj -mindepth 2 -name '*.o' 2>/dev/null | LC_ALL=C sort | xargs -r nm -A -g --defined-only")
check(#symbols > 0, "there are no objects in %s/obj; run make first", build)
for _, line in ipairs(symbols) do
  local stem, kind, symbol = line:match("([^/]+)%.o:%x* (%a) ([%w_.]+)$")
  -- An object whose source is gone does not count. Weak and underscored names are the compiler's and the sanitizers'.
  if stem and by_name[stem .. ".c"] and not kind:match("[VvWwU]") and not symbol:match("^[_.]") and symbol ~= "main" and not public[symbol] then
    local own = "mw_" .. stem
    check(symbol == own or symbol:sub(1, #own + 1) == own .. "_", "%s.c exports %s; its names begin with %s_", stem, symbol, own)
  end
end

local passed, failed = 0, 0
for _, whole in pairs(kept) do
  if whole then passed = passed + 1 else failed = failed + 1 end
end
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0)
