-- rules.lua PROGRAM REPOSITORY: what people and strangers feed to a merge, rule by rule: I for an index or folder, C for configs and
-- families, N for numbers, R for paths of the output, F for the surroundings. Each case says how it ends and what the
-- message must hold. A refusal leaves nothing behind, and nobody waits. At the end every rule has had its case, here or
-- in the test that is named there.
local program, repository = arg[1], arg[2]
local passed, failed = 0, 0
local held = {} -- rules that a case was for

-- ---- toy models ----

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

local function read(path)
  local file = io.open(path, "rb")
  local text = file and file:read("a")
  if file then file:close() end
  return text or ""
end

local function output(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("a")
  pipe:close()
  return text
end

local function sh(format, ...) return os.execute(format:format(...)) end

local function floats(count, value) return string.pack("<f", value):rep(count) end
local embed, up = "model.embed_tokens.weight", "model.layers.0.mlp.up_proj.weight"

-- Two tensors of F32; `rows` of the embedding, `layers` of the other.
local function usual(value, rows, layers)
  local list = { { embed, "F32", { rows or 4, 2 }, floats(2 * (rows or 4), value or 1) } }
  for i = 0, (layers or 1) - 1 do list[#list + 1] = { (up:gsub("0", i)), "F32", { 2, 2 }, floats(4, value or 1) } end
  return list
end

local function safetensors(path, tensors)
  local header, data, at = {}, {}, 0
  for _, t in ipairs(tensors) do
    header[#header + 1] = ('"%s":{"dtype":"%s","shape":[%s],"data_offsets":[%d,%d]}'):format(t[1], t[2], table.concat(t[3], ","), at, at + #t[4])
    data[#data + 1], at = t[4], at + #t[4]
  end
  write(path, string.pack("<s8", "{" .. table.concat(header, ",") .. "}") .. table.concat(data))
end

local known = '{"model_type":"llama","hidden_size":2,"num_hidden_layers":1,"vocab_size":4,"num_attention_heads":1,"tie_word_embeddings":true}'
local plain = '{"model_type":"toy"}'

-- A folder with model.safetensors (unless `tensors` is false) and config.json (unless `config` is).
local function model(name, tensors, config)
  sh("rm -rf %s && mkdir %s", name, name)
  if tensors ~= false then safetensors(name .. "/model.safetensors", tensors or usual()) end
  if config ~= false then write(name .. "/config.json", config or plain) end
  return name
end

local one, two = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
local both = ('"%s":"%s","%s":"%s"'):format(embed, one, up, two)

-- A folder of two files and an index that says `text`.
local function indexed(name, text, first, second)
  model(name, false)
  local list = usual()
  safetensors(name .. "/" .. one, first or { list[1] })
  safetensors(name .. "/" .. two, second or { list[2] })
  write(name .. "/model.safetensors.index.json", text)
  return name
end

local function map(text) return '{"weight_map":{' .. text .. '}}' end

-- ---- cases ----

local before -- a prefix of the command: limits, another user

local function bad(what, ...)
  failed = failed + 1
  print("not ok: " .. what:format(...))
end

local function check(case, command, code, ...)
  local words = { ... }
  held[case:match("^%u%d+")] = true
  sh("rm -rf out")
  local _, how, found = sh("%s timeout 300 '%s' %s > text 2> errors", before or "", program, command)
  if how == "signal" then found = 128 + found end
  local errors, lacks = read("errors"), nil
  for _, word in ipairs(words) do
    if not errors:find(word, 1, true) then lacks = word end
  end
  local left = output("ls -d out*.partial-* out*.replaced-* 2> /dev/null; [ ! -e out ] || echo out")
  local spoilt = code ~= 0 and left ~= "" or left:find("partial")
  if found == code and not lacks and not spoilt then
    passed = passed + 1
  else
    bad("%s: ended with %d, not %d%s%s\n    %s", case, found, code, lacks and ", lacks: " .. lacks or "",
      spoilt and ", left behind: " .. left or "", errors:sub(1, 500))
  end
end

local function soup(case, a, code, ...) check(case, "soup --models " .. a .. " good -o out", code, ...) end
local function pair(case, a, b, code, ...) check(case, "soup --models " .. a .. " " .. b .. " -o out", code, ...) end


model "good"
model("known", usual(3), known)

-- ---- I: indexes and folders ----

soup("I0", indexed("m", '{"weight_map":{' .. both .. '},"metadata":{"total_size":48}}'), 0)
soup("I1 not JSON", indexed("m", "nonsense"), 65, "index.json", "JSON")
soup("I1 no object", indexed("m", "[1]"), 65, "weight_map")
soup("I1 no map", indexed("m", "{}"), 65, "weight_map")
for _, value in ipairs { "5", "null", '""', '"a/b"', '"../x"', '"/etc/passwd"', '"a\\u0000b"', '"a\\\\b"', '"."', '".."' } do
  soup("I2 " .. value, indexed("m", map(('"%s":%s,"%s":"%s"'):format(embed, value, up, two))), 65, "weight_map", embed)
end
indexed("m", map(both .. ',"c":"c.safetensors"'))
sh("rm m/%s", two)
soup("I3", "m", 66, "missing", two, "c.safetensors")
soup("I4", indexed("m", map(both .. ',"extra.weight":"' .. one .. '"')), 65, "extra.weight", one)
soup("I5", indexed("m", map(('"%s":"%s","z":"%s"'):format(embed, one, two)), nil, { usual()[2], { "z", "F32", { 1 }, floats(1, 1) } }), 65, up, two)
soup("I6", indexed("m", map(both), usual()), 65, up)
for _, size in ipairs { "7", '"48"', "null", "1180591620717411303424", "-1" } do
  soup("I7 " .. size, indexed("m", '{"weight_map":{' .. both .. '},"metadata":{"total_size":' .. size .. "}}"), 0, "warning", "total_size")
end
safetensors(indexed("m", map(both)) .. "/model.safetensors", usual(5))
soup("I8", "m", 65, "holds both")
safetensors(indexed("m", map(both)) .. "/consolidated.safetensors", usual())
soup("I9", "m", 0, "warning", "consolidated.safetensors")
write(model("m", false) .. "/pytorch_model.bin", "x")
soup("I10", "m", 65, "pytorch_model.bin", "convert")
safetensors(indexed("m", map(both)) .. "/model-00006-of-00006.safetensors", usual())
soup("I11", "m", 0, "warning", "model-00006-of-00006")
soup("I12", indexed("m", map(both .. "," .. both)), 65, "duplicate")
for what, how in pairs { ["a loop"] = "ln -s model.safetensors", ["a folder"] = "mkdir", ["a pipe"] = "mkfifo", ["a device"] = "ln -s /dev/zero",
  ["a link to nothing"] = "ln -s nowhere" } do
  model("m", false)
  sh("cd m && %s model.safetensors", how)
  soup("I13 " .. what, "m", (what == "a loop" or what:find("nothing")) and 66 or 65, "model.safetensors")
end
for what, text in pairs { ["git-lfs"] = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4976698672\n", ["web page"] = "<!DOCTYPE html><html>" } do
  write(model("m", false) .. "/model.safetensors", text)
  soup("I16 " .. what, "m", 65, what)
end
local huge = '{"a":{"dtype":"F32","shape":[3000000000],"data_offsets":[0,12000000000]}}'
write(model("m", false) .. "/model.safetensors", string.pack("<s8", huge))
sh("truncate -s %d m/model.safetensors", 8 + #huge + 12000000000)
check("I18 holes", "inspect m", 0)

-- ---- I15: as many and as long as they come: 2 s and 1 GB on our machine, and slower ones have 4 s of CPU time ----

-- One that counts what it executes (make coverage) is several times slower.
local counts = (os.getenv "MOONWELD_BUILD" or ""):find "coverage"
local limits = ("ulimit -t %d; ulimit -v 1000000;"):format(counts and 40 or 4)
-- A program with sanitizers takes much more of both.
if not sh("%s '%s' --version > text 2> errors", limits, program) then limits = "" end

local function many(count, format)
  local entries = {}
  for i = 1, count do entries[i] = format:format(i, i) end
  return "{" .. table.concat(entries, ",") .. "}"
end

before = limits
model("m", false)
write("m/model.safetensors.index.json", '{"weight_map":' .. many(20000, '"t%d":"model-%05d-of-20000.safetensors"') .. "}")
soup("I15 shards", "m", 65, "index.json", "more than 16384 shards")
model("m", false)
local empty_entry = '"%07d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
write("m/model.safetensors", string.pack("<s8", many((1 << 20) + 1, empty_entry)))
soup("I15 tensors", "m", 65, "model.safetensors", "more than 1048576 tensors")
write("m/model.safetensors", string.pack("<s8", many(20000, '"' .. ("n"):rep(4089) .. empty_entry:sub(2))))
check("I15 names", "inspect m", 0)
write("m/model.safetensors", string.pack("<s8", "{}" .. (" "):rep(100000000 - 2)))
check("I15 header", "inspect m", 0)
write("m/model.safetensors", string.pack("<s8", "{}" .. (" "):rep(100000000 - 1)))
check("I15 longer header", "inspect m", 65, "header length", "100000001", "at most 100000000")
before = nil

-- ---- I17: blobs of the hub's cache are named by their hashes, and `inspect --stats` reads all of them ----

local cache = "cache/models--org--name"
sh("mkdir -p %s/refs %s/blobs %s/snapshots/%s", cache, cache, cache, ("c"):rep(40))
write(cache .. "/refs/main", ("c"):rep(40))
write(cache .. "/blobs/plain", plain)
safetensors("blob", usual())
local hash = output("sha256sum blob"):match("^%x+")
sh("mv blob %s/blobs/%s && cd %s/snapshots/* && ln -s ../../blobs/%s model.safetensors && ln -s ../../blobs/plain config.json",
  cache, hash, cache, hash)
before = "HF_HUB_CACHE=cache"
check("I17 as named", "inspect --stats org/name", 0)
if not read("text"):find("1 of its files have the SHA-256", 1, true) then bad "I17: nothing was held against its name" end
safetensors(cache .. "/blobs/" .. hash, usual(2))
check("I17 damaged", "inspect --stats org/name", 65, "model.safetensors: SHA-256: found", "expected " .. hash, "download it again")
before = nil

-- ---- C: configs and families ----

soup("C1 missing", model("m", nil, false), 66, "config.json")
for what, text in pairs { json = "{", array = "[]", mark = "\xef\xbb\xbf{}", nesting = ("["):rep(100000), twice = '{"a":1,"a":1}' } do
  soup("C1 " .. what, model("m", nil, text), 65, "config.json")
end
model "m"
sh("truncate -s 200M m/config.json")
soup("C1 200 MB", "m", 65, "config.json")
for _, value in ipairs { "-1", "0", "1e99", '"2"', "9223372036854775808", "2.0", "1.6e1" } do
  pair("C2 " .. value, model("m", usual(), (known:gsub('("hidden_size":)2', "%1" .. value))), "known", 65, "hidden_size")
end
pair("C3", model("m", usual(), (known:gsub('("num_hidden_layers":)1', "%12"))), "known", 65, "num_hidden_layers")
pair("C4", model("m", usual(), (known:gsub('("num_attention_heads":)1', "%10"))), "known", 65, "num_attention_heads")
for _, text in ipairs { "{}", '{"architectures":["A","B"]}', '{"model_type":"unheard-of","architectures":["A"]}' } do
  soup("C5 " .. text, model("m", nil, text), 0, "warning", "matched by name")
end
local head = { "lm_head.weight", "F32", { 4, 2 }, floats(8, 9) }
local tied = usual()
tied[#tied + 1] = head
pair("C6", model("m", tied, known), "known", 65, "tie_word_embeddings", "--tied untie", "--tied ignore")
pair("C6 untie", "m", "known --tied untie", 0)
if not read("out/config.json"):find('"tie_word_embeddings":false', 1, true) then bad "C6 untie: still tied" end
pair("C6 ignore", "m", "known --tied ignore", 0)
if read("out/model.safetensors"):find("lm_head", 1, true) then bad "C6 ignore: has a head" end
tied[#tied] = { "lm_head.weight", "F32", { 4, 2 }, floats(8, 1) }
pair("C6 alias", model("m", tied, known), "known", 0)
if read("out/model.safetensors"):find("lm_head", 1, true) then bad "C6 alias: written twice" end
pair("C6 no head", model("m", usual(), (known:gsub("true", "false"))), "known", 65, "lm_head")
soup("C7", model("m", nil, '{"quantization_config":{"bits":4}}'), 65, "quant")
for _, name in ipairs { "x.weight_scale", "x.weight_scale_inv", "x.qweight", "x.SCB", "x.absmax" } do
  local list = usual()
  list[#list + 1] = { name, "F32", { 1 }, floats(1, 1) }
  soup("C7 " .. name, model("m", list), 65, name)
end
soup("C8", model("m", nil, '{"model_type":"toy","torch_dtype":"bfloat16"}'), 0, "warning", "dtype")
soup("C9", model("m", { usual()[1], { up, "F32", { 4, 2 }, floats(8, 1) } }), 65, up, "[4,2]", "[2,2]")
pair("C10", "known", model("m", usual(1, 6), (known:gsub('("vocab_size":)4', "%16"))), 65, embed, "tokenizer")
pair("C11", "good", model("m", { usual()[1] }), 65, up, "--missing base")
pair("C11 base", "good", "m --missing base", 0, "warning")
pair("C11 extra", "m", "good", 65, up)
pair("C11 extra dropped", "m", "good --missing base", 0)
soup("C12", model("m", { { embed, "BF16", { 4, 2 }, ("\x80\x3f"):rep(8) }, { up, "F16", { 2, 2 }, ("\0\x3c"):rep(4) } }), 0)
for i = 1, 2 do
  local list = usual()
  list[#list + 1] = { "ids", "I64", { 2 }, string.pack("<i8i8", i, 7) }
  model("ids" .. i, list)
end
pair("C13 equal", "ids1", "ids1", 0)
pair("C13", "ids1", "ids2", 65, "ids", "--donor-integers")
pair("C13 donor", "ids1", "ids2 --donor-integers", 0)
if not read("out/model.safetensors"):find(string.pack("<i8i8", 1, 7), 1, true) then bad "C13 donor: other numbers" end
write(model("m") .. "/\xff\x1bname.txt", "bytes")
soup("C14", "m", 0)
if read("out/\xff\x1bname.txt") ~= "bytes" then bad "C14: not carried" end

-- ---- N: numbers ----

model("m", { usual()[1], { up, "F32", { 2, 2 }, floats(1, 1) .. floats(2, 0 / 0) .. floats(1, 1) } })
soup("N1", "m", 65, up, "2 of 4", "index 1", "--nonfinite keep")
pair("N1 keep", "m", "good --nonfinite keep", 0)
local large = usual() -- one tensor that overflows: of several, any may be told
large[1] = usual(1e6)[1]
pair("N2", model("m", large), "m --dtype f16", 65, embed, "F16")
pair("N2 keep", "m", "m --dtype f16 --nonfinite keep", 0)
model("zero", usual(0))
check("N3 slerp of equals", "slerp --a good --b good -o out", 0)
check("N3 slerp with zeros", "slerp --a zero --b good -o out", 0)
check("N3 no task", "ties --base good --experts good good -o out", 0)
for _, value in ipairs { "nan", "-0.1", "1.5", "inf", "0x", "1,2" } do
  check("N4 " .. value, "ties --base good --experts zero --density " .. value .. " -o out", 64, "density")
end
for _, value in ipairs { "0", "1", "1e-30" } do check("N4 " .. value, "ties --base good --experts zero --density " .. value .. " -o out", 0) end
check("N4 weights", "soup --models good zero --weight 1 -1 -o out", 65, "moonweld: error: the weights sum to 0")
local empty = usual()
empty[#empty + 1] = { "empty", "F32", { 0, 3 }, "" }
empty[#empty + 1] = { "number", "F32", {}, floats(1, 2) }
model("m", empty)
check("N5 ties", "ties --base m --experts m m -o out", 0)
check("N5 slerp", "slerp --a m --b m -o out", 0)

-- ---- R: where the output goes ----

model "input"
sh("mkdir around && cp -r input around/ && ln -s input link && ln -s nowhere nothing && mkdir full && echo x > full/x && echo x > file")
for what, where in pairs { itself = "input", inside = "input/x", around = "around", link = "link", dots = "./good/../input" } do
  check("R5 " .. what, ("soup --models %s good -o %s"):format(what == "around" and "around/input" or "input", where), 64, "input")
end
check("R6 a file", "soup --models good good -o file", 73, "file")
check("R6 not ours", "soup --models good good -o full --force", 73, "full")
check("R6 a link", "soup --models good good -o nothing --force", 73, "nothing")
-- The name of the temporary folder follows from the output's path, so a second run meets the first one's lock.
local partial = "out.partial-" .. output("printf %s/out \"$(pwd -P)\" | sha256sum"):sub(1, 8)
write("beside.sh", ("mkdir %s; flock %s \"$@\"; code=$?; rmdir %s && exit $code"):format(partial, partial, partial))
before = "sh beside.sh"
check("R7", "soup --models good good -o out", 75, "out: is being written by another run", "wait until")
before = nil
-- What may not be read or written: root may all, and becomes somebody else for it.
local root, nobody = sh("[ $(id -u) = 0 ]"), "setpriv --reuid=65534 --clear-groups"
if not root or sh(nobody .. " true 2> /dev/null") then
  before = root and nobody or nil
  sh("chmod 777 . && mkdir locked && chmod 555 locked")
  check("R6 read-only", "soup --models good good -o locked/x", 73, "locked/x", "Permission denied", "choose another folder")
  model "m"
  sh("chmod 0 m/model.safetensors")
  soup("I14", "m", 66, "Permission denied")
  sh("rm -f text errors; chmod 666 text errors 2> /dev/null")
end

-- ---- F: the surroundings ----

local vast = '{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}'
write(model("m", false) .. "/model.safetensors", string.pack("<s8", vast))
if sh("truncate -s %d m/model.safetensors 2> /dev/null", 8 + #vast + 4000000000000) then
  check("F1", "soup --models m m -o out", 73, "out: the disk needs 4.00 TB, has ", "make room")
end

model("wide", { { embed, "F32", { 1000, 2 }, floats(2000, 1) } })
before = "ulimit -f 1;"
check("F9", "soup --models wide wide -o out", 74, "File too large")
before = "prlimit --nofile=16"
check("F10", "soup --models good good -o out", 0)
local pieces, entries = {}, {}
for i = 1, 30 do pieces[i] = { ("t%02d"):format(i), "F32", { 2 }, floats(2, 1) } end
model("m", false)
for i, t in ipairs(pieces) do
  local name = ("model-%05d-of-00030.safetensors"):format(i)
  safetensors("m/" .. name, { t })
  entries[i] = ('"%s":"%s"'):format(t[1], name)
end
write("m/model.safetensors.index.json", map(table.concat(entries, ",")))
check("F10 inputs", "soup --models m m -o out", 0)
before = "prlimit --nofile=80"
check("F10 outputs", "soup --models m m --shard-size 8 -o out", 0)
before = nil
check("F14", "soup --models good zero --weight 1.5 2.5 -o out", 0)
local digest = read("out/model.safetensors")
before = "env LC_ALL=de_DE.UTF-8 TZ=Asia/Tokyo TERM= "
check("F14 elsewhere", "soup --models good zero --weight 1.5 2.5 -o out", 0)
if digest == "" or read("out/model.safetensors") ~= digest then bad "F14: other bytes" end
for mask, modes in pairs { ["077"] = "600 700", ["000"] = "666 777", ["027"] = "640 750" } do
  before = "umask " .. mask .. ";"
  check("F19 " .. mask, "soup --models good good -o out", 0)
  local found = output("stat -c %a out/model.safetensors out/config.json out/merge.lock.json out | sort -u | tr '\\n' ' '")
  if found ~= modes .. " " then bad("F19: %s gives %s", mask, found) end
end

-- ---- every rule has its case ----

-- Rules that other tests hold: the file, and words of the test. Adapters (L), GGUF (G) and pickles (P, Z) are not read at
-- all; F15 to F17 are of merges that are resumed, where ours begin again: only learning goes on.
local elsewhere = {
  A1 = { "unit/test_safetensors.c", "data/corpus/expect.tsv" },
  N6 = { "big/run.sh", "2147483651" },
  R1 = { "attacks/attacks.lua", '"syntax", "syntax error"' }, R2 = { "attacks/attacks.lua", '"os_execute"' },
  R3 = { "attacks/attacks.lua", '"rep_bomb"' }, R4 = { "attacks/attacks.lua", "error object is a table" },
  F2 = { "faults/faults.lua", '"pwrite", "ENOSPC"' }, F3 = { "faults/faults.lua", '"pread", "EIO"' },
  F4 = { "faults/faults.lua", '"fdatasync", "EIO"' }, F5 = { "faults/faults.lua", '"pread", "short"' },
  F6 = { "unit/test_file.c", "shrunk" }, F7 = { "unit/test_file.c", "replaced" }, F8 = { "unit/test_file.c", "rewritten" },
  F11 = { "faults/faults.lua", '"malloc", "ENOMEM+"' }, F12 = { "cli/merge-signals/cmd", "kill -$signal" },
  F13 = { "cli/merge-streams-closed/cmd", ">&-" }, F15 = { "faults/faults.lua", '"any", "kill"' },
  F16 = { "spec/learning_spec.lua", "cut short, it is refused" }, F17 = { "spec/learning_spec.lua", "altered" },
  F18 = { "faults/faults.lua", '"fallocate", "EOPNOTSUPP+"' },
}
local lacking = failed
for letter, last in pairs { A = 1, I = 18, C = 14, N = 6, R = 7, F = 19 } do
  for number = 1, last do
    local rule = letter .. number
    local test = elsewhere[rule]
    if test and not read(repository .. "/tests/" .. test[1]):find(test[2], 1, true) then
      bad("%s: tests/%s does not hold it", rule, test[1])
    elseif not test and not held[rule] then bad("%s has no case", rule) end
  end
end
if failed == lacking then passed = passed + 1 end

print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0)
