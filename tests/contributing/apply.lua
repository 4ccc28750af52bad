--- apply.lua DOCUMENT FOLDER: applies the diffs of a document's section "Adding things" to the tree in the current folder, and
-- writes the ```sh block of each into the folder as "NUMBER TITLE". A line a section on standard output: "ok: ..." or what is wrong.
-- A hunk is found by its lines alone, wherever they have moved; they must be in the file once.
local document, folder = arg[1], arg[2]
local MOST = 4

local function read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read "a"
  file:close()
  return text
end

local function write(path, text)
  os.execute("mkdir -p '" .. path:match "^(.*)/" .. "'")
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

--- Of the lines of a hunk: those that the file has, and those that it gets.
local function sides(lines)
  local old, new = {}, {}
  for _, line in ipairs(lines) do
    local mark, rest = line:sub(1, 1), line:sub(2) .. "\n" -- an empty line is one of both
    if mark ~= "+" then old[#old + 1] = rest end
    if mark ~= "-" then new[#new + 1] = rest end
  end
  return table.concat(old), table.concat(new)
end

--- nil, or what is wrong.
local function apply(path, lines)
  local old, new = sides(lines)
  local text = read(path)
  if old == "" then
    if text then return path .. " is there already" end
    write(path, new)
    return nil
  end
  if not text then return path .. " is not there" end
  local from, to = ("\n" .. text):find("\n" .. old, 1, true)
  if not from then return path .. " has no longer the lines\n" .. old end
  if ("\n" .. text):find("\n" .. old, from + 1, true) then return path .. " has these lines twice:\n" .. old end
  write(path, text:sub(1, from - 1) .. new .. text:sub(to))
  return nil
end

--- Applies a diff: how many edits it has, and what is wrong, or nil.
local function apply_all(diff)
  local edits, path, lines, wrong = 0, nil, nil, nil
  local function finish()
    if lines then wrong = wrong or apply(path, lines) end
    lines = nil
  end
  for line in diff:gmatch "([^\n]*)\n" do
    if line:find "^%-%-%- " or line:find "^%+%+%+ " then
      finish()
      path = line:match "^%+%+%+ b/(.+)$" or path
    elseif line:find "^@@ " then
      finish()
      edits, lines = edits + 1, {}
    elseif lines then lines[#lines + 1] = line end
  end
  finish()
  return edits, wrong
end

local text = read(document):match "\n## Adding things\n(.*)"
text = "\n" .. (text:match "^(.-)\n## " or text)
local starts = {}
for at in text:gmatch "()\n### " do starts[#starts + 1] = at end
starts[#starts + 1] = #text + 1
for i = 1, #starts - 1 do
  local section = text:sub(starts[i], starts[i + 1] - 1)
  local title, diff, block = section:match "^\n### ([^\n]+)", section:match "\n```diff\n(.-)```", section:match "\n```sh\n(.-)```"
  local edits, wrong = 0, "it has no diff, or no block of sh"
  if diff and block then
    write(("%s/%d %s"):format(folder, i, title), block)
    edits, wrong = apply_all(diff)
  end
  if not wrong and edits > MOST then wrong = ("%d edits, expected at most %d"):format(edits, MOST) end
  print(wrong and ("not ok: %s: %s"):format(title, (wrong:gsub("\n", " | "))) or ("ok: %s: %d edits"):format(title, edits))
end
if #starts ~= 5 then print(("not ok: found %d sections, expected 4"):format(#starts - 1)) end
