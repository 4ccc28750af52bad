--- prompt.lua: `moonweld repl`. What is typed becomes the body of a recipe: a line is kept when the recipe with it can be planned, so
--- what is saved is what was tried. `= x` makes a recipe whose result is x, writes that to a small file, and shows it.
local mw, console, base, paths = ...

local help = [[
x = m1 - m2        a line of a recipe; it is kept where it can be planned
= x:norm()         show a value: of numbers, the first rows of a tensor, a number a tensor
= x["a.weight"]:slice{rows = {0, 3}}
return base + x    the result of the method
:plan              what a merge of that would take
:merge OUT         merge it; :merge! OUT replaces an older output
:save NAME         write the recipe: NAME to your recipes, ./NAME.lua here
:list  :undo       the recipe as it is; take back the last line
:models  :names GLOB   the models; the first one's tensors
:help  :quit       Ctrl-D, too
]]

-- ---- the recipe ----

local lines, known, result = {}, {}, nil -- lines: { text =, names = {} } in turn; known: names that are local already
local saved = {}                        -- files that this conversation has written
local signature, arguments, opening
local first                             -- the first model, opened: for names
local read_lines = 0                    -- so many lines were read

local function begin()
  local names = {}
  for i in ipairs(paths) do names[i] = "m" .. i end
  local list = base and "experts" or "models"
  known.m, known[list] = true, true
  for _, name in ipairs(names) do known[name] = true end
  if base then known.base = true end
  signature = (base and '  arg.model ("base", "the common ancestor"),\n' or "")
    .. ('  arg.models("%s", "%s", { min = %d }),\n'):format(list, base and "fine-tunes of base" or "the models", #paths)
  opening = { ("    local %s = a.%s"):format(list, list) }
  if base then table.insert(opening, 1, "    local base = a.base") end
  local parts = {}
  for i in ipairs(names) do parts[i] = ("%s[%d]"):format(list, i) end
  opening[#opening + 1] = ("    local %s = %s"):format(table.concat(names, ", "), table.concat(parts, ", "))
  opening[#opening + 1] = "    local m = m1"
  arguments = { [list] = paths, base = base }
end

--- What is of no use any more is left out of a saved recipe.
local function used(name, text) return (text:find("%f[%w_]" .. name .. "%f[^%w_]") ~= nil) end

--- Those lines of the opening whose names `text`, or a line of it that is needed, uses.
local function needed(text)
  local kept = {}
  for i = #opening, 1, -1 do
    local use = false
    for name in opening[i]:match("local (.-) ="):gmatch "[%w_]+" do use = use or used(name, text) end
    if use then
      table.insert(kept, 1, opening[i])
      text = opening[i] .. "\n" .. text
    end
  end
  return kept
end

--- The text of a recipe that ends with `ending`; and by the numbers of its lines which entry each is of. `extra`: an entry to try.
local function compose(ending, extra, tidy)
  local text, of = { "return recipe {", '  "A method made at the prompt.",' }, {}
  for line in signature:gmatch "[^\n]+" do text[#text + 1] = line end
  text[#text + 1] = "  function(a)"
  local body = {}
  for _, entry in ipairs(lines) do body[#body + 1] = entry.text end
  for _, line in ipairs(tidy and needed(table.concat(body, "\n") .. "\n" .. ending) or opening) do text[#text + 1] = line end
  local function add(entry, number)
    for line in (entry .. "\n"):gmatch "(.-)\n" do
      text[#text + 1] = "    " .. line
      of[#text] = number
    end
  end
  for i, entry in ipairs(lines) do add(entry.text, i) end
  if extra then add(extra, #lines + 1) end
  add(ending, #lines + (extra and 2 or 1))
  text[#text + 1] = "  end,"
  text[#text + 1] = "}"
  return table.concat(text, "\n") .. "\n", of
end

--- An error of a recipe, by the entry's number in the place of the text's line; of what is being typed there is none to tell.
local function told(message, of)
  return (tostring(message):gsub("^.-:(%d+): ", function(line)
    local entry = of[tonumber(line)]
    return entry and entry <= #lines and ("line %d: "):format(entry) or ""
  end))
end

local function go_on() return not console.stopped() end

--- What is typed goes on behind an error; of lines from a file or a pipe the first one is the end, since those after it stand on it.
local function fail(message)
  if not console.typed then error(("standard input:%d: %s"):format(read_lines, message), 0) end
  console.say("error: " .. message)
end

--- Tells why a merge did not come to its end.
local function undone(message, of, stopped)
  if console.typed and console.stopped() then console.say(stopped) else fail(told(message, of)) end
end

--- Plans a text; returns whether it can be, the plan or the error, and what it printed.
local function plan(text, of)
  local printed = {}
  local ok, found = pcall(mw.plan, text, arguments, { print = function(line) printed[#printed + 1] = line end })
  return ok, ok and found or told(found, of), printed
end

-- ---- values ----

local function number(x) return (("%.6g"):format(x)) end

local function show_rows(tensor, shape, suffix)
  local rows = tensor:slice {}
  if type(rows[1]) ~= "table" then rows = { rows } end
  for _, row in ipairs(rows) do
    local cells = {}
    for i, x in ipairs(row) do cells[i] = ("%13s"):format(number(x)) end
    console.say(table.concat(cells) .. (suffix and "  ..." or ""))
  end
  console.say(shape)
end

--- Makes a recipe of a value's text, runs it into a file of its own, and hands the file, opened, to `use`.
local function compute(ending, use)
  local folder = os.tmpname()
  os.remove(folder)
  local file = folder .. ".safetensors"
  local text, of = compose(ending)
  local ok, message = pcall(mw.merge, text, arguments, { output = file, dtype = "f32", no_sync = true, no_hash = true, nonfinite = "keep", progress = go_on })
  if ok then
    local m <close> = mw.open(file)
    ok, message = pcall(use, m)
  end
  for _, ending_of in ipairs { ".safetensors", ".lock.json", ".md" } do os.remove(folder .. ending_of) end
  if not ok then undone(message, of, "stopped") end
end

--- Small pieces of a recipe: what a value is, and a model that holds it.
local probe = [[local value = %s
if type(value) == "model" then print("model " .. #value:names()) for _, t in pairs(value) do print("is " .. #t.shape) break end
elseif type(value) == "tensor" then print "tensor" print("is " .. #value.shape) for _, n in ipairs(value.shape) do print("dim " .. n) end print("type " .. value.dtype)
elseif type(value) == "list" then print("list " .. #value)
elseif type(value) == "table" then for i, x in ipairs(value) do print("= " .. i .. "  " .. tostring(x)) end print "table"
else print("= " .. tostring(value)) end
return m1]]
local whole = [[local value = %s
return m1:only(%q):map(function() return (%s):unweighed() end):rename(%q, "value")]]
local each = [[return (%s):map(function(t) return (zeros{1} + t):unweighed() end):rename("*", "value.*")]]

local function show_numbers(expression)
  compute(each:format(expression), function(m)
    local names = m:names()
    for i, name in ipairs(names) do
      if i > 400 then console.say(("... and %d more"):format(#names - 400)) break end
      console.say(("%12s  %s"):format(number(m:tensor(name):mean()), (name:gsub("^value%.", ""))))
    end
  end)
end

local function show_tensor(expression, shape, dtype)
  local wanted, rows, columns = "value", shape[#shape - 1], shape[#shape] or 1
  if #shape == 2 then wanted = ("value:slice{rows = {0, %d}, columns = {0, %d}}"):format(math.min(rows, 8), math.min(columns, 7)) end
  local name = first:names()[1]
  compute(whole:format(expression, name, wanted, name), function(m)
    local t = m:tensor "value"
    local described = ("%s [%s]"):format(dtype, table.concat(shape, ","))
    if #shape == 2 then show_rows(t, described, columns > 7)
    elseif #shape < 2 and columns <= 64 then show_rows(t, described)
    else console.say(("%s  min %s  max %s  mean %s  norm %s"):format(described, number(t:min()), number(t:max()), number(t:mean()), number(t:norm()))) end
  end)
end

local function show_scalar(expression)
  local name = first:names()[1]
  compute(whole:format(expression, name, "zeros{1} + value", name), function(m) console.say(number(m:tensor("value"):mean())) end)
end

local function show(expression)
  local text, of = compose(probe:format(expression))
  local ok, found, printed = plan(text, of)
  local kind, scalar = (printed[1] or ""):match "%a+", not ok and tostring(found):find "a number has no shape"
  local shape, dtype = {}, nil
  for _, line in ipairs(printed) do
    shape[#shape + 1] = tonumber(line:match "^dim (%d+)")
    dtype = line:match "^type (.*)" or dtype
  end
  if not ok and not scalar then fail(found)
  elseif kind == "tensor" then
    if scalar then show_scalar(expression) else show_tensor(expression, shape, dtype) end
  elseif kind == "model" then
    if scalar then show_numbers(expression)
    else console.say(("a model of %s tensors: = x:norm() shows a number of each, = x[\"NAME\"] one of them"):format(printed[1]:match "%d+")) end
  elseif kind == "list" then console.say(("a list of %s: = x[1] shows one"):format(printed[1]:match "%d+"))
  else
    for _, line in ipairs(printed) do if line:sub(1, 2) == "= " then console.say(line:sub(3)) end end
  end
end

-- ---- lines ----

--- Names that a line makes; those that are new become local.
local function declare(text)
  local names, left = {}, text:match "^%s*([%a_][%w_%s,]-)%s*=[^=]"
  if text:find "^%s*function%s+[%w_]+%s*%(" then
    names[1] = text:match "^%s*function%s+([%w_]+)"
    return known[names[1]] and text or "local " .. text, names
  end
  if not left or left:find "^local%s" then return text, names end
  local fresh = true
  for name in left:gmatch "[^,%s]+" do
    names[#names + 1] = name
    fresh = fresh and not known[name]
  end
  return fresh and "local " .. text or text, names
end

local function keep(text)
  local entry, names = declare(text)
  local whole_text, of = compose(result or "return m1", entry)
  local ok, message, printed = plan(whole_text, of)
  for _, line in ipairs(printed) do console.say(line) end
  if not ok then return fail(message) end
  if entry:find "^%s*print%f[^%w_]" then return end
  lines[#lines + 1] = { text = entry, names = {} }
  for _, name in ipairs(names) do
    if not known[name] then table.insert(lines[#lines].names, name) end
    known[name] = true
  end
end

local function set_result(text)
  local ok, message, printed = plan(compose(text))
  for _, line in ipairs(printed) do console.say(line) end
  if ok then result = text else fail(message) end
end

-- ---- commands ----

local commands = {}

local function size(bytes)
  local units, i = { "B", "kB", "MB", "GB", "TB" }, 1
  while bytes >= 1000 and i < #units do bytes, i = bytes / 1000, i + 1 end
  return (("%.3g %s"):format(bytes, units[i]))
end

local function needs_result()
  if not result then fail "there is no result yet: `return X` says what the method gives" end
  return result
end

function commands.help() console.say(help) end
function commands.quit() return true end

function commands.plan()
  if not needs_result() then return end
  local ok, found = plan(compose(result))
  if not ok then return fail(found) end
  console.say(("%d pass%s over the models, %s read, %s written, %s of memory at the peak"):format(found.passes, found.passes == 1 and "" or "es", size(found.bytes_read),
    size(found.bytes_written), size(found.peak_memory)))
end

local function merge(where, force)
  if not needs_result() then return end
  if where == "" then return fail ":merge OUT names the folder to make" end
  local text, of = compose(result)
  local ok, message = pcall(mw.merge, text, arguments, { output = where, force = force, progress = go_on })
  if ok then console.say("merged: " .. where)
  else undone(message, of, "stopped; nothing was published") end
end
function commands.merge(where) merge(where, false) end
commands["merge!"] = function(where) merge(where, true) end

function commands.save(name)
  if not needs_result() then return end
  if not name:find "^[%w_./-]+$" then return fail ":save NAME, or :save ./NAME.lua: letters, digits, - and _" end
  local path = name
  if not name:find "[./]" then
    local home = console.home()
    if not home then return fail("there is no home for recipes: :save ./" .. name .. ".lua writes it here") end
    path = home .. name .. ".lua"
  elseif not name:find "%.lua$" then path = name .. ".lua" end
  local there = io.open(path, "rb")
  if there then there:close() end
  if there and not saved[path] then return fail(path .. " is there already") end
  local file, why = io.open(path, "wb")
  if not file then return fail(why) end
  local good = file:write((compose(result, nil, true)))
  good = file:close() and good
  if not good then return fail(path .. " was not written whole") end
  saved[path] = true
  console.say(("saved %s: `moonweld %s --help`"):format(path, name:find "[./]" and (path:find "/" and path or "./" .. path) or name))
end

function commands.list() console.say((compose(result or "return m1"))) end

function commands.undo()
  local last = table.remove(lines)
  if not last then return console.say "there is no line to take back" end
  for _, name in ipairs(last.names) do known[name] = nil end
  console.say("taken back: " .. last.text)
end

function commands.models()
  if base then console.say("base  " .. base) end
  for i, path in ipairs(paths) do console.say(("m%-4d %s"):format(i, path)) end
end

function commands.names(glob)
  local pattern = "^" .. (glob == "" and "*" or glob):gsub("[%^%$%(%)%%%.%[%]%+%-]", "%%%0"):gsub("%*", ".*"):gsub("%?", ".") .. "$"
  for _, name in ipairs(first:names()) do if name:find(pattern) then console.say(tostring(first:tensor(name))) end end
end

-- ---- completion ----

local words = {}
for word in (console.types .. "if then else end for in do local return function and or not"):gmatch "[%a_][%w_]+" do words[word] = true end
for word in console.types:gmatch "[%a_][%w_]+" do words[word] = nil end
for word in console.types:gmatch "\nfunction [%w_]*[.:]?([%w_]+)%(" do words[word] = true end

--- Called by C for the line before the cursor: the words that its last one may become.
function console.complete(line)
  local list, quoted, word = {}, line:match "%[%s*[\"']([^\"']*)$", line:match "[%w_]*$"
  if quoted then
    for _, name in ipairs(first:names()) do if name:sub(1, #quoted) == quoted then list[#list + 1] = name end end
  elseif line:find "^:[%w!]*$" then
    for name in pairs(commands) do if name:sub(1, #word) == word then list[#list + 1] = name end end
  else
    for _, set in ipairs { known, words } do
      for name in pairs(set) do if name:sub(1, #word) == word then list[#list + 1] = name end end
    end
  end
  table.sort(list)
  return list
end

-- ---- the conversation ----

--- Reads on while what was typed is not a whole statement.
local function read()
  local function next_line(prompt)
    read_lines = read_lines + 1
    return console.read(prompt)
  end
  local text = next_line "> "
  while text and not text:find "^%s*[:=]" do
    local ok, message = load(text)
    if ok or not message:find "near <eof>$" or not text:find "%S" then break end
    local more = next_line ">> "
    if not more or more == "" then break end
    text = text .. "\n" .. more
  end
  return text
end

first = mw.open(base or paths[1])
begin()
commands.models()
console.say ":help says what can be typed"
for text in read do
  local command, rest = text:match "^%s*:([%w!]+)%s*(.-)%s*$"
  if command == "q" then command = "quit" end
  if command and commands[command] then
    if commands[command](rest) then break end
  elseif text:find "^%s*:" then fail("there is no " .. text:match "^%s*(%S+)" .. ": :help lists what there is")
  elseif text:find "^%s*=" then show(text:match "^%s*=%s*(.-)%s*;?%s*$")
  elseif text:find "^%s*return%f[^%w_]" then set_result(text)
  elseif text:find "%S" then keep(text) end
end
