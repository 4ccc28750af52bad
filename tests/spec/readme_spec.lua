--- recipes/README.md against the program: every recipe has its section, with its sentence, its paper, the arguments and
-- defaults that `list --json` shows, a formula, and an example.

package.path = "tests/spec/?.lua;" .. package.path
local parse = require "json"

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
      local formula = assert(section:match "\nFormula: (.-)\n\n", "lacks a line that begins with 'Formula: '")
      local function words(text) return (text:gsub("%s+", " ")) end
      local help = recipe.name ~= "stats" and output(("'%s' %s --help"):format(program, recipe.name)) -- there a command has the name
      assert(not help or words(help):find("formula: " .. words(formula) .. " usage: ", 1, true), "its --help has another formula")
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
