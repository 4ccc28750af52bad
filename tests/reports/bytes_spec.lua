--- Bytes of strangers never reach the terminal as they are, whatever text they come in; nor does an address of the program.
package.path = "tests/reports/?.lua;" .. package.path
local M = require "models"

-- An escape sequence, the same by a C1 character, a turned direction of writing, a return, a bell, DEL, and what is no UTF-8.
local raw = "\27[31m\u{9b}31m\u{202e}\r\7\x7f"
local json = "\\u001b[31m\\u009b31m\\u202e\\r\\u0007\\u007f"
local lua = "\\27[31m\\u{9b}31m\\u{202e}\\r\\7\\x7f\\xff\\x9b"

--- What is shown: lines of UTF-8 without anything that a terminal obeys.
local function is_plain(said)
  if not utf8.len(said) then return false, "no UTF-8" end
  for _, c in utf8.codes(said) do
    local control = c < 32 and c ~= 10 and c ~= 9 or c >= 0x7f and c < 0xa0 or c == 0x61c or c == 0x200e or c == 0x200f or c >= 0x2028 and c <= 0x202e or
      c >= 0x2066 and c <= 0x2069 or c == 0xfeff
    if control then return false, ("U+%04X"):format(c) end
  end
  if said:find "0x%x%x%x%x%x%x" then return false, "an address" end
  return true
end

local function shown(command)
  local code, said = M.run(command)
  local plain, what = is_plain(said)
  assert(plain, ("%s from %s: %q"):format(what, command, said))
  assert(code < 70 or code == 73 or code == 75, ("exit %s: %s"):format(code, said))
  return said, code
end

local function model(name, more)
  M.model(name, { w = { "F32", { 2 }, 1 } }, ('{"model_type": "x%s", "rope_theta": 1, "torch_dtype": "%s", "%s": "%s%s"}'):format(json, json, json, json, more),
    { ["tokenizer_config.json"] = ('{"eos_token": "%s%s", "chat_template": "%s"}'):format(json, more, json),
      ["generation_config.json"] = ('{"temperature": "%s%s"}'):format(json, more), ["side" .. raw] = "x", ["code" .. raw .. "\xff.py"] = "x",
      ["README.md"] = "---\nlicense: " .. raw .. more .. "\n---\n" })
  local header = ('{"__metadata__":{"%s":"%s"},"layers.0%s":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'):format(json, json, json)
  M.write(name .. "/model.safetensors", string.pack("<I8", #header) .. header .. ("\0"):rep(8))
end
local odd = "odd" .. raw .. "\xff"
model("a", "")
model("b", "b")
model(odd, "")
M.write("list.txt", odd)

describe("bytes of models", function()
  for name, command in pairs {
    inspect = "inspect a", ["inspect, all of it"] = "inspect a --stats", ["inspect as JSON"] = "inspect a --json", diff = "diff a b", ["diff as JSON"] = "diff a b --json",
    ["a page, printed"] = "diff a b --html page.html > /dev/null && cat page.html", plan = "plan lerp --a a --b b", ["plan of what is let through"] = "plan lerp --a a --b b --allow config tokenizer",
    merge = "lerp --a a --b a -o out1", ["merge with events"] = "lerp --a a --b a -o out2 --log-json",
    ["what a merge has written"] = "lerp --a a --b a -o out3 --quiet; cat out3/README.md out3/merge.lock.json",
    eval = "eval a --data list.txt", tokenize = "tokenize a list.txt" } do
    it("are escaped by " .. name, function() shown("moonweld " .. command) end)
  end
  for name, command in pairs { inspect = 'inspect "$odd"', merge = 'lerp --a "$odd" --b a -o out4', output = 'lerp --a a --b a -o "$odd/no/x"', command = '"$odd" --a a', option = 'lerp "--$odd" 1',
    value = 'lerp --a a --b a --t "$odd"', renaming = 'lerp --a a --b a --rename "$odd=$odd"', donor = 'lerp --a a --b a --donor "$odd"', recipe = 'plan "./$odd.lua"', help = 'help "$odd"' } do
    it("are escaped in names that are typed: " .. name, function() shown('odd="$(cat list.txt)"; moonweld ' .. command) end)
  end
end)

describe("texts of recipes", function()
  local function recipe(declared, body)
    M.write("r.lua", ('return recipe { "A recipe.", arg.model("a", "a model"), %s\nfunction(a)\n%s\nreturn a.a end }'):format(declared, body))
  end
  for _, body in ipairs { "error('TEXT')", "assert(false, 'TEXT')", "error({})", "error(print)", "error(function() end)", "print('TEXT', a, a.a, print, {}, string)",
    "print(tostring(print), tostring({}), string.format('%s %s', print, {}))", "print(string.format('%q', 'TEXT'))", "local x = 'x' .. {}", "local x = 'x' .. print", "table.concat({ {} })",
    "local x = a.a['TEXT']", "local x = a['TEXT']", "a.a:rename('*', 'TEXT*')", "local x = _ENV['TEXT']", "require 'TEXT'", "a.a:only('TEXT')", "a.a:keep_top(0.5, { TEXT = 1 })",
    "a.a:keep_top(0.5, { ['TEXT'] = 1 })", "local t = {} local x = t['TEXT'].y", "local t = { ['TEXT'] = 1 } t['TEXT']()", "math.exp('TEXT')", "local x = a.a + 'TEXT'", "local x = 'TEXT' + 1",
    "local x = print < print", "string.find(print, 'x')", "string.find('x', '[TEXT')", "for i = 1, {} do end", "local x = a.a * pick{ { 'TEXT', 1 }, 2 }", "error(setmetatable)" } do
    it("are escaped where a recipe fails or prints: " .. body, function()
      recipe("", (body:gsub("TEXT", (lua:gsub("%%", "%%%%")))))
      shown "moonweld plan ./r.lua --a a"
      shown "moonweld ./r.lua --a a -o out5 --log-json"
    end)
  end
  for _, declared in ipairs { "arg('x', 1, 'TEXT'),", "arg('x', 'TEXT', 'a text'),", "arg.choice('c', { 'TEXT' }, 'a word'),", "arg('TEXT', 1, 'a number'),", "['TEXT'] = 1,", "paper = 'TEXT'," } do
    it("are escaped or refused where they are declared: " .. declared, function()
      recipe((declared:gsub("TEXT", (lua:gsub("%%", "%%%%")))), "")
      shown "moonweld ./r.lua --help"
    end)
  end
  for name, byte in pairs { ["what is no UTF-8"] = "\xff", ["a C1 byte alone"] = "\x9b", ["an escape"] = "\27", ["a turned direction"] = "\u{202e}", ["half a character"] = "\xe2\x82" } do
    it("are refused when a recipe loads, with the line: " .. name, function()
      M.write("r.lua", "-- one\n\nreturn recipe { 'A recipe.', arg.model('a', 'a model'), -- " .. byte .. "\nfunction(a) return a.a end }")
      for _, command in ipairs { "moonweld ./r.lua --help", "moonweld plan ./r.lua --a a" } do
        local said, code = shown(command)
        assert.equal(65, code)
        assert.is_truthy(said:find("r.lua:3: found \\", 1, true), said)
      end
    end)
  end
end)

it("what a score's command says is escaped", function()
  M.write("search.lua", 'return recipe { "A search.", arg.model("base", "a model"), arg.score(), function(a) print(a.score(a.base)) return a.base end }')
  M.write("judge.sh", "printf '10%%\\r20%%\\n\\303' >&2; sleep 0.2; printf '\\244 " .. raw .. "\\377\\n\\303' >&2; echo '" .. raw .. "\xff' \"$2\"")
  local said = shown "moonweld ./search.lua --base a -o out6 --score 'sh judge.sh {dir} 7'"
  assert.is_truthy(said:find("10%\n20%\n\u{e4} \\x1b[31m", 1, true) and said:find("\\xff\n\\xc3", 1, true), said)
  shown "moonweld ./search.lua --base a -o out7 --score 'sh judge.sh {dir} none'"
end)

describe("a file whose name is no UTF-8", function()
  it("is copied as it is, recorded, verified and made again, but not sealed", function()
    M.model("odd", { w = { "F32", { 2 }, 1 } }, '{"model_type": "toy"}', { ["vo\xffc.txt"] = "words" })
    local out = "copied"
    local function good(commands)
      local code, said = M.run(commands)
      assert(code == 0, said)
    end
    good "moonweld lerp --a odd --b odd -o copied && moonweld verify copied --inputs && moonweld rebuild copied -o again --quiet && moonweld verify again"
    assert.equal("words", M.bytes(out .. "/vo\xffc.txt"))
    assert.is_truthy(select(2, M.run("moonweld seal " .. out)):find("vo\\xffc.txt: a name that is no UTF-8 cannot be sealed", 1, true))
    M.write(out .. "/vo\xffc.txt", "other")
    local code, said = M.run("moonweld verify " .. out)
    assert(code == 65 and said:find("changed  " .. out .. "/vo\\xffc.txt", 1, true), said)
  end)
end)
