--- What an output records of itself: the command in merge.lock.json, run again by a shell, makes the same bytes, whatever
-- options it was made with and whatever its files are called.
package.path = "tests/spec/?.lua;" .. package.path
local toy, mw = require "toy", require "moonweld"

local here = io.popen("pwd"):read "l"
local PROGRAM = os.getenv "MOONWELD" or "build/moonweld"
if PROGRAM:sub(1, 1) ~= "/" then PROGRAM = here .. "/" .. PROGRAM end
local PICO = here .. "/tests/data/pico/"
local work = toy.folder .. "/it's a \"work\" folder"
os.execute("mkdir -p '" .. work:gsub("'", "'\\''") .. "/bin' && ln -s '" .. PROGRAM .. "' '" .. work:gsub("'", "'\\''") .. "/bin/moonweld'")

local function quote(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

--- Runs a line of shell in the work folder; what it prints, and whether it went well.
local function sh(line)
  local pipe = io.popen("cd " .. quote(work) .. " && PATH=\"$PWD/bin:$PATH\" && { " .. line .. "\n} 2>&1")
  local text = pipe:read "a"
  return text, pipe:close()
end

local function read(name)
  local file = assert(io.open(work .. "/" .. name, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

local function write(name, text)
  local file = assert(io.open(work .. "/" .. name, "wb"))
  file:write(text)
  file:close()
end

--- A model folder with a head of its own under a tied config, integers, a NaN, code, and a tensor that others lack.
local function model(name, value, extra)
  local function row(format, ...)
    local bytes = {}
    for i, v in ipairs { ... } do bytes[i] = string.pack(format, v) end
    return table.concat(bytes)
  end
  local tensors = { { "ids", "I32", 3, row("<i4", value, 2, 3) }, { "lm_head.weight", "F32", "2,2", row("<f", value, 2, 3, 4) },
    { "model.embed_tokens.weight", "F32", "2,2", row("<f", 4, value, 2, 1) }, { "w", "F32", 5, row("<f", value, 0 / 0, 1, -2, 3.5) } }
  if extra then tensors[5] = { "x", "F32", 1, row("<f", 1) } end
  local parts, data, at = {}, "", 0
  for i, t in ipairs(tensors) do
    parts[i] = string.format('"%s":{"dtype":"%s","shape":[%s],"data_offsets":[%d,%d]}', t[1], t[2], t[3], at, at + #t[4])
    data, at = data .. t[4], at + #t[4]
  end
  local header = "{" .. table.concat(parts, ",") .. "}"
  header = header .. (" "):rep(-#header % 8)
  os.execute("mkdir " .. quote(work .. "/" .. name))
  write(name .. "/model.safetensors", string.pack("<I8", #header) .. header .. data)
  write(name .. "/config.json", '{"model_type": "toy", "tie_word_embeddings": true}')
  write(name .. "/modeling.py", "pass\n")
end
model("it's \"one\"", 1.0, true)
model("$HOME `two` \\", 2.0)
model("-three", 3.0, true)
model("b\xff '%d\"$x", 4.0)
write("judge 'a'.jsonl", "[1, 20, 300, 4, 50]\n")
write("judge b.jsonl", "[7, 8, 9, 11]\n")
write("my recipe.lua", [[return recipe { "An argument of every form.",
  arg.models("models", "models"), arg("word", "x", "a text"), arg("on", true, "a flag"), arg("off", false, "a flag"),
  arg.each("weight", 1, "one, or one a model"), arg.maybe("t", "a number"), arg("a_b", 0.5, "two words"),
  function(a)
    assert(a.word == "" or a.word == "-v 'a'\n\"b\"", a.word)
    return a.models[1] * (a.on and 0.5 or 0.25) + a.models[1] * (a.on and 0.5 or 0.75) + (a.models[2] - a.models[1]) * (a.t or 0) * a.a_b * (a.off and 2 or 1)
  end }]])

local one, two, three = quote "it's \"one\"", quote "$HOME `two` \\", "-three"
local strange = "--nonfinite keep --donor-integers --missing base --tied untie"
local pico = "--models " .. PICO .. "kjv " .. PICO .. "py"
local experts = "--experts " .. PICO .. "kjv " .. PICO .. "py"
local cases = {
  { "whose files have spaces and quotes, with rules for what inputs differ in", "soup --models " .. one .. " " .. two .. " " .. strange },
  { "that drops a head and keeps code, in several files", "lerp --a " .. one .. " --b " .. two ..
    " --t 0.25 --tied ignore --nonfinite keep --missing base --donor-integers --copy-code --shard-size 20" },
  { "with another dtype, a seed and limits", "dare_linear --base " .. one .. " --experts " .. two .. " " .. one .. " " .. strange ..
    " --dtype f16 --seed 18446744073709551615 --recipe-seconds 9.5 --recipe-memory 64MB" },
  { "of inputs that begin with a hyphen", "soup --models " .. one .. " --models=" .. three .. " --models " .. two .. " " .. strange },
  { "of a file with flags and texts", "'my recipe.lua' --models " .. one .. " " .. two .. " " .. strange .. " --no-on --off --word=" .. quote "-v 'a'\n\"b\"" .. " --weight 1 -2 --t -0.5 --a_b 0.75" },
  { "of a file with an empty text", "'./my recipe.lua' --models " .. one .. " " .. two .. " " .. strange .. " --word '' --on=true" },
  { "that was scored by a command", "m3 --models " .. one .. " " .. two .. " " .. strange .. " --samples 3 --seed 2 --score " .. quote "cksum < {dir}/'model.safetensors' | cut -d' ' -f1" },
  { "that was scored by losses", "greedy_soup " .. pico .. " --score loss:" .. quote "judge 'a'.jsonl" .. " " .. quote "judge b.jsonl" .. " --window 8 --threads 1" },
  { "that was learned", "dam " .. experts .. " --data " .. quote "judge 'a'.jsonl" .. " " .. quote "judge b.jsonl" .. " --steps 2 --window 7 --seed 3 --threads 1" },
  { "of inputs whose names are no UTF-8", "lerp --a " .. quote "b\xff '%d\"$x" .. " --b " .. two .. " " .. strange },
  { "that began with coefficients", "dam " .. experts .. " --steps 0 --coefficients 'learned before/moonweld/coefficients.safetensors'",
    "moonweld dam " .. experts .. " --data " .. quote "judge 'a'.jsonl" .. " " .. quote "judge b.jsonl" .. " --steps 1 --threads 1 -o 'learned before'" },
}

local function command_of(lock)
  local text = lock:match '\n  "command": "(.-)",\n'
  return (text:gsub("\\(.)(%x?%x?%x?%x?)", function(c, hex)
    if c == "u" then return string.char(tonumber(hex, 16)) end
    return (({ n = "\n", t = "\t" })[c] or c) .. hex
  end))
end

describe("the recorded command makes the same bytes again, of a merge", function()
  for i, case in ipairs(cases) do
    it(case[1], function()
      local first, again = "out " .. i, "again " .. i
      local said, good = sh((case[3] and case[3] .. "\n" or "") .. "moonweld " .. case[2] .. " -o " .. quote(first))
      assert(good, said)
      local command = command_of(read(first .. "/merge.lock.json"))
      assert(read(first .. "/README.md"):find("\n" .. command .. "\n", 1, true), command)
      said, good = sh(command .. " -o " .. quote(again))
      assert(good, command .. "\n" .. said)
      assert(utf8.len(read(first .. "/merge.lock.json")) and utf8.len(read(first .. "/README.md")))
      said, good = sh(command .. " --force -o " .. quote(again)) -- known as our own
      assert(good, said)
      said, good = sh("diff -r " .. quote(first) .. " " .. quote(again))
      assert(good, command .. "\n" .. said)
    end)
  end
end)

describe("merge.lock.json", function()
  it("has the hashes of the files that judged candidates by their loss", function()
    assert(sh("moonweld greedy_soup " .. pico .. " --score loss:" .. quote "judge 'a'.jsonl" .. " 'judge b.jsonl' --threads 1 -o judged"))
    local lock = read "judged/merge.lock.json":gsub("%s+", " ")
    for _, name in ipairs { "judge 'a'.jsonl", "judge b.jsonl" } do
      local hash = sh("sha256sum " .. quote(name)):match "^%x+"
      local record = string.format('{ "file": "%s", "sha256": "%s", "windows": 1 }', name, hash)
      assert(lock:find(record, 1, true), record .. " is not in " .. lock:match '"scores": .*')
    end
  end)
end)

describe("the options of a program in Lua", function()
  local file = toy.write { a = { 1, 2 }, b = { 3, 4 } }
  local function lock(options)
    options.output = toy.path "-out"
    mw.merge("soup", { models = { file } }, options)
    local text = io.open(options.output .. "/merge.lock.json"):read "a"
    return text, command_of(text)
  end
  it("are those of the command line, numbers in every form of Lua's", function()
    local text, command = lock { shard_size = 1e9, seed = "18446744073709551615", copy_code = true, recipe_seconds = 2.5, dtype = "f16", missing = "base" }
    assert.equal("moonweld soup --models " .. file .. " --dtype f16 --shard-size 1000000000 --seed 18446744073709551615 --copy-code --missing base --recipe-seconds 2.5", command)
    assert(text:find('"file": "model.safetensors"', 1, true)) -- 1e9 is not 1
  end)
  it("are refused where they are no numbers", function()
    local ok, message = pcall(lock, { shard_size = "5XB" })
    assert(not ok and tostring(message):find("option 'shard_size' = 5XB: a size is expected, such as 5GB", 1, true), message)
  end)
end)
