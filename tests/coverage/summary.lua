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
print()
for _, part in ipairs(parts) do
  local sum = { lines = 0, executed = 0, branches = 0, taken = 0 }
  for i = 2, #part do
    local file = io.open("src/" .. part[i]) or error("there is no src/" .. part[i])
    file:close()
    if files[part[i]] then add(sum, files[part[i]]) end
  end
  if sum.lines > 0 then told(part[1], sum) end
end

-- Lines of these parts that nothing executed, and those some of whose branches nothing took.
local wanted, source, at, text, open, count = {}, nil, nil, nil, 0, 0
for _, part in ipairs(parts) do for i = 2, #part do wanted["src/" .. part[i] ] = true end end
local function told_line()
  if open > 0 then print(("%s:%s: %d of %d branches not taken:%s"):format(source, at, open, count, text)) end
  open, count = 0, 0
end
for line in io.lines(folder .. "/lines") do
  local marks, number, code = line:match "^ *([-%d#=*]+): *(%d+):(.*)$"
  if number then told_line() end
  if number == "0" then source = code:match "^Source:(.*)$" or source
  elseif number then
    at, text = number, code
    if marks == "#####" and wanted[source] then print(("%s:%s:%s"):format(source, number, code)) end
  elseif wanted[source] and line:find "^branch " then
    count = count + 1
    if line:find "taken 0%%" then open = open + 1 end
  end
end
told_line()
