--- What an output proves: that nobody changed a byte of it or of its inputs (verify), that anybody can make it again from its lock
-- alone (rebuild), and what its SHA-256 are (seal). As a stranger would: in another folder, with another machine's lock.
package.path = "tests/spec/?.lua;" .. package.path
local toy = require "toy"

local here = io.popen("pwd"):read "l"
local PROGRAM = os.getenv "MOONWELD" or "build/moonweld"
if PROGRAM:sub(1, 1) ~= "/" then PROGRAM = here .. "/" .. PROGRAM end
local PICO = here .. "/tests/data/pico/"
local work = toy.folder .. "/trust"
os.execute("mkdir -p " .. work .. "/bin && ln -s '" .. PROGRAM .. "' " .. work .. "/bin/moonweld && cp -r " .. PICO .. "{kjv,py,base} " .. work .. " 2>/dev/null || " ..
  "for m in kjv py base; do cp -r " .. PICO .. "$m " .. work .. "; done")

--- Runs lines of shell in the work folder: what they print, and the exit code of the last one. Nothing waits for the disk.
local function sh(lines)
  lines = lines:gsub("%-%-quiet", "--quiet --no-sync"):gsub("moonweld rebuild", "moonweld rebuild --no-sync")
  local pipe = io.popen("cd " .. work .. " && export PATH=\"$PWD/bin:$PATH\" && { " .. lines .. "\n} 2>&1; echo code $?")
  local text = pipe:read "a"
  pipe:close()
  local said, code = text:match "^(.-)code (%d+)\n$"
  return said, tonumber(code)
end

local function good(lines)
  local said, code = sh(lines)
  assert(code == 0, lines .. "\n" .. said)
  return said
end

--- The lines end with `code`, and what they print has all of the texts.
local function ends(code, lines, ...)
  local said, got = sh(lines)
  assert(got == code, lines .. "\nended with " .. got .. ", not " .. code .. ":\n" .. said)
  for _, text in ipairs { ... } do assert(said:find(text, 1, true), lines .. "\nlacks '" .. text .. "':\n" .. said) end
  return said
end

local function read(name)
  local file = assert(io.open(work .. "/" .. name, "rb"))
  local bytes = file:read "a"
  file:close()
  return bytes
end

local function write(name, bytes)
  local file = assert(io.open(work .. "/" .. name, "wb"))
  file:write(bytes)
  file:close()
end

local function flip(bytes, at) return bytes:sub(1, at - 1) .. string.char(bytes:byte(at) ~ 1) .. bytes:sub(at + 1) end

--- A model folder of these tensors, { name, dtype, shape, bytes }, in this order in the file.
local function model(name, tensors, metadata)
  local parts, data, at = { metadata }, {}, 0
  for _, t in ipairs(tensors) do
    parts[#parts + 1] = string.format('"%s":{"dtype":"%s","shape":[%s],"data_offsets":[%d,%d]}', t[1], t[2], t[3], at, at + #t[4])
    data[#data + 1], at = t[4], at + #t[4]
  end
  local header = "{" .. table.concat(parts, ",") .. "}"
  header = header .. (" "):rep(-#header % 8)
  os.execute("mkdir -p " .. work .. "/" .. name)
  write(name .. "/model.safetensors", string.pack("<I8", #header) .. header .. table.concat(data))
  write(name .. "/config.json", '{"model_type": "toy"}')
end

--- So many finite floats, other ones for each seed.
local function floats(count, seed)
  local piece = {}
  for i = 1, 1024 do piece[i] = string.pack("<f", ((i * 7919 + seed * 104729) % 2003 - 1001) / 500) end
  return (table.concat(piece):rep(count // 1024 + 1)):sub(1, 4 * count)
end

-- Files of several chunks, whose tensors lie at other places in each: another header, another order, integers between.
local large = { { "a.weight", "F32", "1200,1000", 1200000 }, { "b.weight", "F32", "700,1000", 700000 }, { "c.bias", "F32", "300", 300 },
  { "d.weight", "F32", "1500,1000", 1500000 } }
local function tensors(seed, order)
  local list = {}
  for i, k in ipairs(order) do list[i] = { large[k][1], "F32", large[k][3], floats(large[k][4], seed + k) } end
  list[#list + 1] = { "ids", "I64", "3", string.pack("<i8i8i8", 1, 2, 3) }
  return list
end
model("large1", tensors(1, { 1, 2, 3, 4 }))
model("large2", tensors(2, { 4, 3, 1, 2 }), '"__metadata__":{"note":"' .. ("x"):rep(5001) .. '"}')
model("large3", tensors(3, { 2, 1, 4, 3 }), '"__metadata__":{"note":"y"}')

local lerp = "moonweld lerp --a kjv --b py --t 0.3 --quiet"

describe("verify", function()
  it("holds whatever the order, the threads and the tiles in which bytes came", function()
    for i, how in ipairs { "lerp --a large1 --b large2", "lerp --a large2 --b large3 --dtype bf16 --shard-size 5MB",
      "ties --base large1 --experts large2 large3 --density 0.3", "slerp --a large3 --b large1 --t 0.4", "soup --models large1 large2 large3 --dtype f64" } do
      local first
      for _, run in ipairs { "OMP_NUM_THREADS=1", "MOONWELD_TILE=64 OMP_NUM_THREADS=2", "OMP_NUM_THREADS=5 MOONWELD_ISA=base" } do
        good(run .. " moonweld " .. how .. " -o order --quiet --force && moonweld verify order --inputs")
        local lock = read "order/merge.lock.json"
        first = first or lock
        assert(lock == first, "another lock of case " .. i)
      end
    end
  end)

  it("counts what no recipe reads", function()
    write("part.lua", [[return recipe { "Some.", arg.model("a", "x"), arg.model("b", "y"),
      function(a) return a.a:with(a.a:only "a.*" * 0.5 + a.b:only "a.*" * 0.5) end }]])
    good "moonweld ./part.lua --a large1 --b large2 -o part --quiet && moonweld verify part --inputs"
    local bytes = read "large2/model.safetensors"
    write("large2/model.safetensors", flip(bytes, 20000)) -- of a tensor that was not read
    ends(65, "moonweld verify part --inputs", "changed  large2/model.safetensors: its bytes are not those that were recorded")
    write("large2/model.safetensors", bytes)
    good "moonweld verify part --inputs"
  end)

  it("costs few reads: a thread does whole chunks, whatever is summed or written again", function()
    for seed = 1, 3 do
      local list = {}
      for i = 1, 3 do list[i] = { "t" .. i, "F32", "4096,1024", floats(4096 * 1024, seed * 10 + i) } end
      model("wide" .. seed, list)
    end
    local function read_by(line) -- /proc/PID/io of a shell has what its children read
      return tonumber(good("sh -c '" .. line .. " > /dev/null; cat /proc/$$/io'"):match "rchar: (%d+)")
    end
    for _, how in ipairs { "lerp --a wide1 --b wide2", "ties --base wide1 --experts wide2 wide3", "model_stock --base wide1 --experts wide2 wide3" } do
      local line = "OMP_NUM_THREADS=2 moonweld " .. how .. " -o wide --force --quiet"
      local plain, counted = read_by(line .. " --no-hash"), read_by(line)
      assert(counted <= 1.15 * plain, ("%s: %.0f MB without checksums, %.0f with"):format(how, plain / 1e6, counted / 1e6))
    end
    os.execute("rm -rf " .. work .. "/wide*")
  end)

  it("finds the first, a middle and the last byte of every file, output or input", function()
    good(lerp .. " -o bytes --sha256 && moonweld verify bytes --inputs")
    for _, name in ipairs { "bytes/README.md", "bytes/config.json", "bytes/generation_config.json", "bytes/model.safetensors", "bytes/tokenizer.model",
      "bytes/tokenizer_config.json", "bytes/merge.lock.json", "bytes/moonweld/seal.json", "kjv/model.safetensors", "kjv/config.json", "py/model.safetensors" } do
      local bytes = read(name)
      for _, at in ipairs { 1, #bytes // 2, #bytes } do
        write(name, flip(bytes, at))
        local said, code = sh "moonweld verify bytes --inputs"
        assert(code == 65 and said:find(name, 1, true), name .. " byte " .. at .. ": " .. code .. "\n" .. said)
      end
      write(name, bytes)
    end
    good "moonweld verify bytes --inputs"
  end)

  it("says where in a large file the bytes have changed", function()
    good "moonweld lerp --a large1 --b large3 -o place --quiet"
    local bytes = read "place/model.safetensors"
    write("place/model.safetensors", flip(bytes, 9000000))
    ends(65, "moonweld verify place", "first between bytes 8388608 and 12582911: tensors 'd.weight'")
    write("place/model.safetensors", bytes .. "x")
    ends(65, "moonweld verify place", "place/model.safetensors: has " .. #bytes + 1 .. " bytes, " .. #bytes .. " were recorded")
    write("place/model.safetensors", bytes:sub(1, 5000000))
    ends(65, "moonweld verify place", "has 5000000 bytes")
  end)

  it("names what is missing and what is too many", function()
    good(lerp .. " -o names")
    good "rm names/tokenizer.model && touch names/pytorch_model.bin && mkdir names/sub && touch names/sub/x && touch names/.gitattributes"
    ends(65, "moonweld verify names", "missing  names/tokenizer.model: is not there", "extra    names/pytorch_model.bin: was not recorded",
      "extra    names/sub/x: was not recorded", "names: 3 findings")
    local json = ends(65, "moonweld verify names --json 2> /dev/null", '"good":false', '"path":"names/sub/x"')
    assert(not json:find(".gitattributes", 1, true))
  end)

  it("says of an input that is not here what it was, and finds it where it is", function()
    good("cp -r kjv gone && moonweld lerp --a gone --b py -o inputs --quiet && mkdir -p store/deep/er && mv gone store/deep/er/other")
    ends(66, "moonweld verify inputs --inputs", "missing  gone: input a is not here; wanted is gone: model.safetensors of 3.51 MB with xxh3 c2228613d5ef",
      "--models DIR")
    good "moonweld verify inputs --inputs --models store"
    good "moonweld verify inputs --inputs --input a=store/deep/er/other"
    ends(65, "moonweld verify inputs --inputs --input a=py", "changed  py/model.safetensors")
    ends(64, "moonweld verify inputs --inputs --input c=py", "'c=py' names no input of the lock", "such as a=PATH")
    ends(66, "moonweld verify inputs --inputs --models large1", "missing  gone")
  end)

  it("knows outputs without checksums", function()
    good(lerp .. " -o none --no-hash && grep -q '\"checksums\": null' none/merge.lock.json && test $(grep -c xxh3 none/merge.lock.json) = 1") -- its own
    ends(69, "moonweld verify none", "was made with --no-hash and holds no checksums")
    good(lerp .. " -o old")
    local lock = read "old/merge.lock.json"
    lock = lock:gsub('\n  "checksums": "[^"]*",', ""):gsub(',\n *"xxh3": "%x*"', ""):gsub(',\n  "lock_xxh3": "%x*"', "")
    write("old/merge.lock.json", lock)
    ends(69, "moonweld verify old", "was made by version 0.1.0, which recorded no checksums")
    ends(69, "moonweld rebuild old -o again", "recorded no checksums")
    ends(66, "moonweld verify kjv", "kjv/merge.lock.json: not there")
    ends(66, "moonweld verify nothing", "nothing: no such file or folder")
  end)

  it("never believes a lock that was edited", function()
    good(lerp .. " -o edited")
    local lock = read "edited/merge.lock.json"
    for at = 1, #lock, 61 do
      for _, changed in ipairs { flip(lock, at), lock:sub(1, at), lock:sub(1, at) .. lock:sub(at + 2) } do
        if changed ~= lock then
          write("edited/merge.lock.json", changed)
          local said, code = sh "moonweld verify edited"
          assert(code == 65, "byte " .. at .. ": " .. code .. "\n" .. said)
        end
      end
    end
    write("edited/merge.lock.json", (lock:gsub('"seed": 0', '"seed": 1')))
    ends(65, "moonweld verify edited", "edited   edited/merge.lock.json: its text is not the one that moonweld wrote")
    ends(65, "moonweld rebuild edited -o again", "its text is not the one that moonweld wrote")
  end)

  it("refuses locks that are no locks by the field, and reads nothing outside the folder", function()
    os.execute("mkdir -p " .. work .. "/bad")
    local function lock(outputs, more)
      return '{"moonweld": "0.1.0", "checksums": "x", "recipe": {"name": "r"}, "requires": [], "inputs": [], "outputs": ' .. outputs .. (more or "") .. "}"
    end
    for text, expected in pairs {
      [lock '[{"file": "../kjv/config.json", "bytes": 3}]'] = "../kjv/config.json: expected a name inside the folder",
      [lock '[{"file": "/etc/passwd", "bytes": 3}]'] = "/etc/passwd: expected a name inside the folder",
      [lock '[{"file": "a//b", "bytes": 3}]'] = "a name inside the folder", [lock '[{"file": "", "bytes": 3}]'] = "a name inside the folder",
      [lock '[{"file": "a", "bytes": -3}]'] = "a: expected a whole number", [lock '[{"file": "a", "bytes": 3, "xxh3": "0"}]'] = "xxh3 of 32 hex digits",
      [lock '[{"file": "a", "bytes": 3, "chunks": "00"}]'] = "8 hex digits for each chunk",
      [lock '[{"file": "a", "bytes": 18446744073709551615, "chunks": ""}]'] = "8 hex digits for each chunk",
      [lock "[3]"] = "outputs: expected a list of objects", [lock "{}"] = "outputs: expected a list", [lock '[{"file": "a\\u0000b", "bytes": 1}]'] = "without NUL",
      [lock("[]", ', "typed": {"arguments": [], "options": {}}')] = "typed: arguments: expected an object",
      [lock("[]", ', "typed": {"arguments": {"a": "b"}, "options": {}}')] = "a: expected a list", [lock("[]", ', "seed": "x"')] = "seed: expected a whole number",
      ["[]"] = "expected an object", ["{}"] = "moonweld: expected a text", [""] = "merge.lock.json", ["\0\0"] = "merge.lock.json",
    } do
      write("bad/merge.lock.json", text)
      ends(65, "moonweld verify bad", expected)
    end
  end)

  it("holds a lone file and its company", function()
    good "moonweld lerp --a large1 --b large3 -o lone.safetensors --quiet --sha256 && moonweld verify lone.safetensors && moonweld verify lone.lock.json --inputs"
    good [[mkdir elsewhere && for end in safetensors lock.json seal.json md; do mv lone.$end elsewhere/renamed.$end; done
      test -e elsewhere/renamed.seal.json && moonweld verify elsewhere/renamed.safetensors | grep -q "; 1 of them sealed"]]
    good "printf x >> elsewhere/renamed.md"
    ends(65, "moonweld verify elsewhere/renamed.safetensors", "changed  elsewhere/renamed.md")
    good "rm elsewhere/renamed.safetensors"
    ends(65, "moonweld verify elsewhere/renamed.lock.json", "missing  elsewhere/renamed.safetensors")
  end)
end)

describe("rebuild makes the same bytes", function()
  write("half.lua", 'return recipe { "Half.", arg.model("a", "x"), arg.model("b", "y"), function(a) return (a.a + a.b) * 0.5 end }\n')
  write("outer.lua", 'local half = require "half"\nreturn recipe { "Outer.", arg.model("a", "x"), arg.model("b", "y"), function(a) return half { a = a.a, b = a.b } end }\n')
  write("judge.jsonl", "[1, 20, 300, 4, 50]\n")
  for i, case in ipairs {
    { "of a built-in recipe with options", "lerp --a kjv --b py --t 0.3 --dtype f32 --shard-size 4MB" },
    { "of recipes that require recipes", "./outer.lua --a kjv --b py" },
    { "of draws", "m3_dare --base base --experts kjv py --drop 0.4 --seed 77" },
    { "of lists and gradients", "soup --models kjv py base --weight 1 -2 3 --tied ignore" },
    { "with another donor", "lerp --a kjv --b py --t 0,0.5,1 --donor b" },
    { "of a search by losses", "greedy_soup --models kjv py --score loss:judge.jsonl --window 8" },
    { "of a training", "dam --experts kjv py --data judge.jsonl judge.jsonl --steps 2 --window 5" },
    { "with words that are no defaults", "ties --base base --experts kjv py --profile mergekit --nonfinite keep" },
  } do
    it(case[1], function()
      local out, again = "made" .. i, "again" .. i
      good("moonweld " .. case[2] .. " --quiet -o " .. out)
      ends(0, "moonweld rebuild " .. out .. " -o " .. again, again .. ": the recorded bytes again, ")
      good("diff -r " .. out .. " " .. again)
    end)
  end

  it("elsewhere, of a lock alone, with inputs of other names", function()
    good("cp -r half.lua outer.lua kjv py elsewhere && cd elsewhere && moonweld ./outer.lua --a kjv --b py -o out --quiet && rm half.lua outer.lua && cd .. && " ..
      "mkdir -p stranger/models && cp elsewhere/out/merge.lock.json stranger/ && mv elsewhere/kjv stranger/models/one && mv elsewhere/py stranger/models/two")
    ends(66, "cd stranger && moonweld rebuild merge.lock.json -o new", "input a is not here; wanted is kjv: model.safetensors of 3.51 MB with xxh3")
    good "cd stranger && test ! -e new && moonweld rebuild merge.lock.json -o new --models models && diff -r new ../elsewhere/out"
    good "cd stranger && moonweld rebuild merge.lock.json -o new --force --input b=models/two a=models/one && diff -r new ../elsewhere/out"
    ends(65, "cd stranger && moonweld rebuild merge.lock.json -o wrong --input a=models/two b=models/two",
      "changed  models/two: model.safetensors of input a is not the recorded one", "changed  wrong/model.safetensors: is not the recorded one")
    ends(73, "cd stranger && moonweld rebuild merge.lock.json -o new --models models", "new: exists already")
    ends(64, "cd stranger && moonweld rebuild merge.lock.json --models models", "-o NEW is needed")
  end)

  it("of a lone file", function()
    good "mkdir -p files/in && cp kjv/model.safetensors files/a.safetensors && cp py/model.safetensors files/b.safetensors"
    good "moonweld lerp --a files/a.safetensors --b files/b.safetensors -o loose --quiet"
    good "mv files/a.safetensors files/in/x.safetensors && mv files/b.safetensors files/in/y.safetensors"
    good "moonweld rebuild loose -o loose2 --models files && diff -r loose loose2"
    good "moonweld lerp --a large1 --b large3 -o solo.safetensors --quiet && moonweld rebuild solo.safetensors -o duo.safetensors && cmp solo.safetensors duo.safetensors"
  end)

  it("of models of the hub's cache, at their commit", function()
    local commit = ("c"):rep(40)
    good("mkdir -p hub/models--org--m/snapshots/" .. commit .. " hub/models--org--m/refs && cp kjv/* hub/models--org--m/snapshots/" .. commit ..
      " && printf " .. commit .. " > hub/models--org--m/refs/main")
    good "HF_HUB_CACHE=$PWD/hub moonweld lerp --a org/m --b py -o hubbed --quiet"
    good "HF_HUB_CACHE=$PWD/hub moonweld verify hubbed --inputs && HF_HUB_CACHE=$PWD/hub moonweld rebuild hubbed -o hubbed2 && diff -r hubbed hubbed2"
    good("HF_HUB_CACHE=/nowhere moonweld rebuild hubbed -o hubbed3 --models hub && diff -r hubbed hubbed3")
    ends(66, "HF_HUB_CACHE=/nowhere moonweld verify hubbed --inputs", "org/m at commit " .. commit)
  end)

  it("but runs no command of a lock, and nothing of a later version", function()
    good "moonweld m3 --models kjv py --samples 2 --score 'touch ran; echo 1; : {dir}' -o scored --quiet && rm ran"
    ends(69, "moonweld rebuild scored -o scored2", "no command of a lock is run")
    good "test ! -e ran && test ! -e scored2"
  end)
end)

describe("a whole pipeline of diffusers", function()
  local function pipeline(name, value)
    for part, file in pairs { unet = "diffusion_pytorch_model", text_encoder = "model" } do
      model(name .. "/" .. part, { { "w", "F32", "2", string.pack("<ff", value, value) } })
      if file ~= "model" then os.rename(work .. "/" .. name .. "/" .. part .. "/model.safetensors", work .. "/" .. name .. "/" .. part .. "/" .. file .. ".safetensors") end
    end
    write(name .. "/unet/config.json", '{"_class_name": "UNet2DConditionModel"}')
    write(name .. "/model_index.json", '{"_class_name": "P", "unet": ["diffusers", "UNet2DConditionModel"], "text_encoder": ["transformers", "CLIPTextModel"]}')
  end
  os.execute("mkdir -p " .. work .. "/p1 " .. work .. "/p2")
  pipeline("p1", 1)
  pipeline("p2", 3)

  it("is held against its lock, made again, and sealed as one", function()
    good "export MOONWELD_JOURNAL=0; moonweld lerp --a p1 --b p2 -o pipe --quiet --sha256 && moonweld verify pipe --inputs && moonweld seal pipe > root && cp -r pipe kept"
    for _, name in ipairs { "pipe/unet/diffusion_pytorch_model.safetensors", "pipe/model_index.json",
      "p2/text_encoder/model.safetensors", "p1/unet/config.json" } do
      local bytes = read(name)
      write(name, flip(bytes, #bytes - 1))
      ends(65, "moonweld verify pipe --inputs", "changed  " .. name)
      write(name, bytes)
    end
    good "touch pipe/unet/more"
    ends(65, "moonweld verify pipe", "extra    pipe/unet/more")
    good "moonweld rebuild pipe/merge.lock.json -o pipe2 && rm -r pipe/moonweld pipe/unet/more && diff -r pipe pipe2"
    good "mkdir -p moved && mv p1 moved/one && mv p2 moved/two && moonweld verify kept --inputs --models moved"
    good "moonweld rebuild kept/merge.lock.json -o pipe3 --input a=moved/one b=moved/two && diff -r pipe3 pipe && moonweld verify pipe3"
    good "moonweld rebuild kept/merge.lock.json -o pipe4 --models moved && diff -r pipe4 pipe"
  end)
end)

describe("MODEL+ADAPTER", function()
  good("cp -r " .. PICO .. "lora lora && mkdir -p beside && cp lora/adapter_model.safetensors beside/low.safetensors && cp lora/adapter_config.json beside && " ..
    "cp -r lora named && sed -i 's|\"base_model_name_or_path\": *\"[^\"]*\"|\"base_model_name_or_path\": \"base\"|' named/adapter_config.json && grep -q '\"base\"' named/adapter_config.json")

  it("is held against its lock: model and adapters, each by its own files", function()
    good "moonweld lerp --a base+lora --b kjv+lora+beside/low.safetensors --t 0.3 -o adapted --quiet && moonweld verify adapted --inputs"
    for _, name in ipairs { "lora/adapter_model.safetensors", "lora/adapter_config.json", "beside/low.safetensors", "beside/adapter_config.json", "base/model.safetensors", "base/config.json" } do
      local bytes = read(name)
      for _, at in ipairs { 1, #bytes // 2, #bytes } do
        write(name, flip(bytes, at))
        ends(65, "moonweld verify adapted --inputs", "changed  " .. name)
      end
      write(name, bytes)
    end
    good "moonweld verify adapted --inputs && mv lora away"
    ends(66, "moonweld verify adapted --inputs", "missing  base+lora: input a is not here; wanted is lora: adapter_config.json of 214 B with xxh3", "input b is not here; wanted is lora")
    ends(66, "moonweld rebuild adapted -o no", "input a is not here; wanted is lora", "--input a=PATH")
    good "mv away lora && mv base away"
    ends(66, "moonweld verify adapted --inputs", "input a is not here; wanted is base: model.safetensors of 3.51 MB with xxh3")
    good "mv away base"
    ends(65, "moonweld verify adapted --inputs --input a=base", "missing  lora: this adapter was not found beside its base")
    ends(65, "moonweld verify adapted --inputs --input a=kjv+lora", "changed  kjv/model.safetensors")
  end)

  it("is made again where it was, elsewhere, and by other names", function()
    good "moonweld rebuild adapted -o adapted2 && diff -r adapted adapted2"
    good("mkdir -p foreign/m && cp -r base foreign/m/one && cp -r kjv foreign/m/two && cp -r lora foreign/m/three && cp beside/low.safetensors foreign/m/three/x.safetensors && " ..
      "cp adapted/merge.lock.json foreign && cd foreign")
    ends(66, "cd foreign && moonweld rebuild merge.lock.json -o new", "input a is not here; wanted is base: ", "; lora: ")
    good "cd foreign && moonweld rebuild merge.lock.json -o new --models m && diff -r new ../adapted && moonweld verify new --inputs --models m"
    good "cd foreign && moonweld rebuild merge.lock.json -o new2 --input a=m/one+m/three b=m/two+m/three+m/three/x.safetensors && diff -r new2 ../adapted"
    ends(65, "cd foreign && moonweld rebuild merge.lock.json -o wrong --input a=m/one b=m/two+m/three+m/three/x.safetensors",
      "adapter_model.safetensors of input a is not the recorded one", "changed  wrong/model.safetensors")
  end)

  it("where the adapter names its base, is one of several, or lies in the hub's cache", function()
    good "moonweld lerp --a named --b kjv -o called --quiet && moonweld verify called --inputs && moonweld rebuild called -o called2 && diff -r called called2"
    good("moonweld ties --base base --experts base+lora kjv -o many --quiet && moonweld verify many --inputs && moonweld rebuild many -o many2 && diff -r many many2")
    good "mkdir -p pile && cp -r named pile/n && cp -r base pile/b && cp -r kjv pile/k && mkdir -p bare && cp called/merge.lock.json bare"
    good "cd bare && moonweld rebuild merge.lock.json -o new --models ../pile && diff -r new ../called"
    local commit = ("d"):rep(40)
    good("mkdir -p hub/models--org--l/snapshots/" .. commit .. " hub/models--org--l/refs && cp lora/* hub/models--org--l/snapshots/" .. commit ..
      " && printf " .. commit .. " > hub/models--org--l/refs/main")
    good "export HF_HUB_CACHE=$PWD/hub && moonweld lerp --a base+org/l --b py -o cached --quiet && moonweld verify cached --inputs && moonweld rebuild cached -o cached2 && diff -r cached cached2"
    good "HF_HUB_CACHE=/nowhere moonweld rebuild cached -o cached3 --models hub --input b=py && diff -r cached cached3"
    ends(66, "HF_HUB_CACHE=/nowhere moonweld verify cached --inputs", "wanted is org/l at commit " .. commit)
  end)
end)

describe("an input", function()
  it("of stack, of a part in the hub's cache, or given by its index, is found and held against its lock", function()
    good "moonweld stack --parts kjv:0-1 py:1-2 kjv:1-2 -o tall --quiet && moonweld verify tall --inputs && moonweld rebuild tall -o tall2 && diff -r tall tall2"
    good "mkdir -p heap && cp -r kjv heap/x && cp -r py heap/y && mkdir -p plain && cp tall/merge.lock.json plain"
    good "cd plain && moonweld rebuild merge.lock.json -o new --models ../heap && diff -r new ../tall"
    ends(66, "cd plain && moonweld rebuild merge.lock.json -o none", "input parts[1] is not here; wanted is kjv: ")
    local bytes = read "py/model.safetensors"
    write("py/model.safetensors", flip(bytes, #bytes))
    ends(65, "moonweld verify tall --inputs", "changed  py/model.safetensors")
    write("py/model.safetensors", bytes)
    local commit = ("e"):rep(40)
    good("mkdir -p hub/models--org--p/snapshots/" .. commit .. "/sub hub/models--org--p/refs && cp kjv/* hub/models--org--p/snapshots/" .. commit ..
      "/sub && printf " .. commit .. " > hub/models--org--p/refs/main")
    good "export HF_HUB_CACHE=$PWD/hub && moonweld lerp --a org/p/sub --b py -o parted --quiet && moonweld verify parted --inputs && moonweld rebuild parted -o parted2 && diff -r parted parted2"
    good "moonweld soup --models kjv -o split --shard-size 1MB --quiet && moonweld lerp --a split/model.safetensors.index.json --b py -o listed --quiet"
    good "moonweld verify listed --inputs && moonweld rebuild listed -o listed2 && diff -r listed listed2"
  end)
end)

describe("seal", function()
  it("writes the digests that sha256sum finds, and their root", function()
    good(lerp .. " -o sealed")
    local root = good "moonweld seal sealed":match "^sha256:(%x+)\n$"
    local each = good "cd sealed && find . -type f ! -path ./moonweld/seal.json | cut -c3- | LC_ALL=C sort | xargs sha256sum | cut -d' ' -f1"
    write("raw", (each:gsub("%s", ""):gsub("%x%x", function(hex) return string.char(tonumber(hex, 16)) end)))
    assert(root == good "sha256sum raw":sub(1, 64), root)
    local seal = read "sealed/moonweld/seal.json"
    assert(seal:find('"name": "sealed",\n      "digest": {\n        "sha256": "' .. root .. '"', 1, true), seal)
    for name in ("README.md config.json merge.lock.json model.safetensors tokenizer.model"):gmatch "%S+" do
      assert(seal:find('"name": "' .. name .. '",\n        "algorithm": "sha256",\n        "digest": "' .. good("sha256sum sealed/" .. name):sub(1, 64), 1, true), seal)
    end
    good("export MOONWELD_JOURNAL=0; " .. lerp .. " -o sealed-at-once --sha256 && moonweld verify sealed-at-once && moonweld seal sealed-at-once > root")
    ends(0, "moonweld verify sealed-at-once", "; 7 of them sealed")
    assert(read "sealed-at-once/moonweld/seal.json":gsub("sealed%-at%-once", "sealed") == seal, "another seal at once")
  end)

  it("is written for what is as it was recorded alone", function()
    good(lerp .. " -o broken && printf x >> broken/README.md")
    ends(65, "moonweld seal broken", "broken: is not as it was recorded, and is not sealed")
    good "test ! -e broken/moonweld"
  end)

  it("finds a lock that was changed with all its checksums", function()
    good(lerp .. " -o forged --sha256 && moonweld lerp --a kjv --b py --t 0.4 -o other --quiet && cp other/* forged/")
    ends(65, "moonweld verify forged", "changed  forged/model.safetensors: its SHA-256 is not the sealed one", "changed  forged/merge.lock.json")
  end)

  it("finds what cannot be read: a link to nowhere, a pipe, a file that became one", function()
    good(lerp .. " -o odd --sha256 && ln -s nowhere odd/link && mkfifo odd/pipe && rm odd/README.md && ln -s nowhere odd/README.md")
    ends(65, "timeout 60 moonweld verify odd", "odd: 6 findings", "missing  odd/README.md: is not there", "changed  odd/README.md: its SHA-256 is not the sealed one",
      "extra    odd/link: was not recorded", "extra    odd/link: is not in the seal", "extra    odd/pipe: was not recorded", "extra    odd/pipe: is not in the seal")
    ends(65, "timeout 60 moonweld seal odd", "is not as it was recorded, and is not sealed")
  end)

  it("that was edited is told of, whatever was done to it", function()
    good(lerp .. " -o reseal --sha256")
    local seal = read "reseal/moonweld/seal.json"
    for _, text in ipairs { "", "{}", "[]", "\0", seal:sub(1, 300), (seal:gsub('"sha256": "%x', '"sha256": "g')), (seal:gsub('"name": "README.md"', '"name": "../x"')),
      (seal:gsub('"digest": "%x%x', '"digest": "00')), '{"subject": [{"digest": {"sha256": "' .. ("0"):rep(64) .. '"}}], "predicate": {"resources": []}}' } do
      write("reseal/moonweld/seal.json", text)
      ends(65, "moonweld verify reseal", "reseal/")
    end
  end)
end)
