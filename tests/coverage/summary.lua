-- summary.lua FOLDER: sums up what gcov says: FOLDER/sums of every source, FOLDER/lines of every line.
local folder = arg[1]

-- What a merge's safety rests on: every reachable line and branch of these is to be executed.
local parts = {
  { "parser", "format/safetensors.c", "format/tensor.c" }, { "JSON", "format/json.c", "format/json_members.c" }, { "journal", "output/journal.c", "output/resume.c" },
  { "planner", "merge/plan.c", "merge/plan_identity.c", "expr/schedule.c", "expr/speculate.c", "expr/cone.c" },
  { "publication", "output/writer.c", "output/publish.c", "output/target.c", "format/folder.c", "format/sync.c" },
}

--- Of every source: lines and branches, and how many were executed.
local files, current = {}, nil
for line in io.lines(folder .. "/sums") do
  local name = line:match "^File '(.*)'$"
  if name then current = name:match "^src/(.+%.c)$" end
  local kind, percent, count = line:match "^([%w ]+):([%d.]+)%% of (%d+)$"
  if current and kind then
    local file = files[current] or {}
    files[current] = file
    local total = tonumber(count)
    local done = math.floor(total * tonumber(percent) / 100 + 0.5)
    if kind == "Lines executed" and not file.lines then file.lines, file.executed = total, done -- a sum of all follows the last file
    elseif kind == "Taken at least once" then file.branches, file.taken = total, done end
  end
end

local function add(sum, file)
  for _, key in ipairs { "lines", "executed", "branches", "taken" } do sum[key] = (sum[key] or 0) + (file[key] or 0) end
end

local function told(name, sum)
  local function share(part, whole) return whole == 0 and "     -" or ("%5.1f%%"):format(100 * part / whole) end
  print(("%-22s %s of %5d lines  %s of %5d branches"):format(name, share(sum.executed, sum.lines), sum.lines, share(sum.taken, sum.branches), sum.branches))
end

local rooms, names, all = {}, {}, {}
for name, file in pairs(files) do
  local room = name:match "^[^/]+"
  if room ~= "tools" then
    if not rooms[room] then rooms[room], names[#names + 1] = {}, room end
    add(rooms[room], file)
    add(all, file)
  end
end
table.sort(names)
for _, room in ipairs(names) do told(room, rooms[room]) end
told("all", all)

-- ---- the parts ----

-- What cannot be reached, as unreachable.txt has it.
local listed, never, wrong = {}, {}, 0
local function fail(...) wrong = wrong + 1; print(("not ok: " .. select(1, ...)):format(select(2, ...))) end
for line in io.lines "tests/coverage/unreachable.txt" do
  local file, branches, reason, code = line:match "^(%S+) | (%w+) | (.-) | +(.*)$"
  if file == "*" then for name in code:gmatch "%S+" do never[name] = true end
  elseif file then listed[file .. code] = { branches = tonumber(branches), whole = branches == "line", code = code, reason = reason, file = file }
  elseif not line:find "^#" then fail("tests/coverage/unreachable.txt: %s", line) end
end

--- How many branches of a line are none: `|| refuse(...)` is never true, and the other side of an assertion is our own mistake.
local function of_kinds(code, count)
  local n = code:find "^assert%(" and count or 0
  for name in code:gmatch "[|&][|&] *([%w_]+)%(" do n = n + (never[name] and 1 or 0) end
  return n
end

-- Of every line of these: what was executed, and branches.
local found, source, at = {}, nil, nil
local function tell_line()
  if not at or not source then return end
  local entry = listed[source .. at.code]
  local missing = at.run and at.open or 0
  local none = at.run and math.min(missing, of_kinds(at.code, at.count)) or 0
  missing, at.taken = missing - none, at.taken + none
  local sum = found[source]
  if entry then
    entry.found = true
    if at.run and entry.whole then fail("src/%s:%d was run; take it from tests/coverage/unreachable.txt: %s", source, at.number, at.code) end
    if at.run and not entry.whole and missing < entry.branches then
      fail("src/%s:%d: %d of its %d branches were not taken, %d are in tests/coverage/unreachable.txt: %s", source, at.number, missing, at.count, entry.branches, at.code)
    end
    sum.excused = sum.excused + (entry.branches or 1)
    missing, at.taken = missing - (entry.branches or 0), entry.whole and at.count or at.taken + entry.branches
  end
  sum.lines, sum.executed = sum.lines + 1, sum.executed + ((at.run or entry and entry.whole) and 1 or 0)
  sum.branches, sum.taken = sum.branches + at.count, sum.taken + at.taken
  if not at.run and not (entry and entry.whole) then sum.list[#sum.list + 1] = ("src/%s:%d: %s"):format(source, at.number, at.code)
  elseif missing > 0 then sum.list[#sum.list + 1] = ("src/%s:%d: %d of %d branches not taken: %s"):format(source, at.number, missing, at.count, at.code) end
  at = nil
end
for line in io.lines(folder .. "/lines") do
  local marks, number, code = line:match "^ *([-%d#=*]+): *(%d+):(.*)$"
  if number then tell_line() end
  if number == "0" then
    if code:find "^Source:" then
      source, at = code:match "^Source:src/(.*)$", nil
      if source and not found[source] then found[source] = { lines = 0, executed = 0, branches = 0, taken = 0, excused = 0, list = {} } end
    end
  elseif number then at = marks ~= "-" and { number = tonumber(number), code = code:match "^%s*(.-)%s*$", run = not marks:find "^[#=]", count = 0, open = 0, taken = 0 } or nil
  elseif at and line:find "^branch " then
    at.count = at.count + 1
    if line:find "taken 0%%" or line:find "never executed" then at.open = at.open + 1 else at.taken = at.taken + 1 end
  end
end
tell_line()

print()
for _, part in ipairs(parts) do
  local sum, excused = { lines = 0, executed = 0, branches = 0, taken = 0 }, 0
  for i = 2, #part do
    local file = found[part[i] ]
    if file then add(sum, file); excused = excused + file.excused end
  end
  if sum.lines > 0 then told(part[1], sum); if excused > 0 then print(("%24d of these cannot be reached (tests/coverage/unreachable.txt)"):format(excused)) end end
end
for _, part in ipairs(parts) do
  for i = 2, #part do for _, line in ipairs(found[part[i] ] and found[part[i] ].list or {}) do print(line) end end
end
for _, entry in pairs(listed) do
  if found[entry.file] and not entry.found then fail("tests/coverage/unreachable.txt: src/%s has no such line: %s", entry.file, entry.code) end
end
os.exit(wrong == 0)
