--- recipes/README.md against the program: every recipe has its section, with its sentence, its paper, the arguments and
-- defaults that `list --json` shows, a formula, and an example.

-- ---- JSON, as much as the program writes ----

local function parse(text)
  local at = 1
  local value
  local function skip() at = text:find("[^%s]", at) or #text + 1 end
  local function word()
    local from = at + 1
    at = from
    while text:sub(at, at) ~= '"' do at = at + (text:sub(at, at) == "\\" and 2 or 1) end
    at = at + 1
    return (text:sub(from, at - 2):gsub('\\(["\\/])', "%1"))
  end
  local function list(close, each)
    at = at + 1
    skip()
    while text:sub(at, at) ~= close do
      each()
      skip()
      if text:sub(at, at) == "," then at = at + 1 end
      skip()
    end
    at = at + 1
  end
  function value()
    skip()
    local c = text:sub(at, at)
    if c == '"' then return word() end
    if c == "[" or c == "{" then
      local result = { order = {} }
      list(c == "[" and "]" or "}", function()
        if c == "[" then result[#result + 1] = value() return end
        local key = word()
        at = text:find(":", at, true) + 1
        result[key], result.order[#result.order + 1] = value(), key
      end)
      return result
    end
    local found = text:match("^[^%s,%]}]+", at)
    at = at + #found
    if found == "null" then return nil end
    return found -- numbers and flags as they are written
  end
  return value()
end

local function output(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  pipe:close()
  return text
end

local program = os.getenv "MOONWELD" or "build/moonweld"
local recipes = parse(output("'" .. program .. "' list --json"))
local readme
do
  local file = assert(io.open "recipes/README.md")
  readme = file:read "a"
  file:close()
end

-- ---- sections ----

local sections = {}
for name in readme:gmatch "\n### `([%w_]+)`" do
  local from = select(2, readme:find("\n### `" .. name .. "`\n", 1, true))
  local to = readme:find("\n##", from, true) or #readme
  sections[name] = readme:sub(from, to)
end

local function row(arg)
  local default = arg.default or (arg.optional == "true" and "none" or "needed")
  if arg.defaults then
    for _, word in ipairs(arg.defaults.order) do
      if arg.defaults[word] ~= arg.default then default = default .. ", " .. word .. ": " .. arg.defaults[word] end
    end
  end
  local option = { seed = "of `--seed`", score = "of `--score`", calibration = "of `--data`" }
  return string.format("| `%s` | %s | %s |\n", arg.name, option[arg.type] or default, (arg.doc:gsub("|", "\\|")))
end

describe("recipes/README.md", function()
  for _, recipe in ipairs(recipes) do
    it("says of " .. recipe.name .. " what the program says", function()
      local section = assert(sections[recipe.name], "no section ### `" .. recipe.name .. "`")
      assert(section:find(recipe.summary, 1, true), "lacks its sentence: " .. recipe.summary)
      assert(recipe.paper == "" or section:find(recipe.paper, 1, true), "lacks its paper: " .. recipe.paper)
      assert(section:find("\nFormula: ", 1, true), "lacks a line that begins with 'Formula: '")
      assert(section:find("\nmoonweld " .. recipe.name .. " ", 1, true) or section:find("\nmoonweld plan " .. recipe.name .. " ", 1, true),
        "lacks an example")
      local rows = {}
      for i, arg in ipairs(recipe.arguments) do rows[i] = row(arg) end
      local found = section:match "\n| argument | default | |\n|[-|]+|\n([^\n].-\n)\n" or ""
      assert.equal(table.concat(rows), found)
    end)
  end
  it("has no section of a recipe that is not there", function()
    local known = {}
    for _, recipe in ipairs(recipes) do known[recipe.name] = true end
    for name in pairs(sections) do assert(known[name], name) end
  end)
end)
