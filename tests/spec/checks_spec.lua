--- The page "What is checked before a merge" against the program: its options are options, the words of --allow are those that the program
-- takes, the tables that it names are there, and each rule of the design has its row.
local function read(path)
  local file = assert(io.open(path), path)
  local text = file:read "a"
  file:close()
  return text
end

local page = read "README.md":match "### What is checked before a merge\n(.-)\n### "
local options = read "include/options.def"
local rows = {}
for checked, found, through, since in page:gmatch "\n| ([^\n]-) | ([^\n]-) |%s?([^\n]-)%s?| ([^\n]-) |" do
  if checked ~= "checked" then rows[#rows + 1] = { checked = checked, found = found, through = through, since = since } end
end

local function words_of_allow()
  local words = {}
  for word in options:match 'MW_OPTION%(allow, TEXTS, allow, 1, "([^"]+)"':gsub("%.%.%.", ""):gmatch "[^|]+" do words[word] = true end
  return words
end

describe("the page of what is checked before a merge", function()
  it("says of each check what is found wrong, and why", function()
    assert(#rows >= 25, #rows)
    for _, row in ipairs(rows) do
      assert(row.found:find "error" or row.found:find "warning", row.checked .. ": " .. row.found)
      assert(#row.since > 5, row.checked)
    end
  end)

  it("names every word of --allow, and no other", function()
    local words, named = words_of_allow(), {}
    for word in page:gmatch "%-%-allow (%l+)" do
      assert(words[word], "--allow " .. word .. " is no word of the program")
      named[word] = true
    end
    for word in pairs(words) do assert(named[word], "--allow " .. word .. " is not on the page") end
  end)

  it("names options that there are", function()
    for option in page:gmatch "%-%-(%l[%l-]*)" do
      if option ~= "explain" and option ~= "json" and option ~= "t" then
        assert(options:find("MW_OPTION(" .. option:gsub("%-", "_") .. ",", 1, true), "--" .. option)
      end
    end
  end)

  it("names tables that there are", function()
    local count = 0
    for path in page:gmatch "`(src/[%w_/%.]+)`" do
      assert(#read(path) > 0)
      count = count + 1
    end
    assert(count >= 3)
  end)

  it("has a row for each option by which the sources let something through", function()
    local pipe = assert(io.popen "cat src/model/*.c src/merge/*.c lua/moonweld/meet.lua")
    local sources = pipe:read "a"
    pipe:close()
    for word in sources:gmatch "%-%-allow (%l+)" do assert(word == "lets" or words_of_allow()[word], word) end
    for _, option in ipairs { "--donor-integers", "--missing base", "--rename", "--tied", "--tokenizer", "--nonfinite keep", "--chat-template", "--donor" } do
      local found = false
      for _, row in ipairs(rows) do found = found or row.through:find(option, 1, true) end
      assert(found, option)
    end
  end)
end)
