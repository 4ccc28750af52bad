-- faults.lua MOONWELD SHIM WORK [all]: makes the n-th call of every kind go wrong, for every n (without `all`, at
-- every twentieth or so; of requests for memory see `numbers`), in a merge of toy models that replaces an older output or
-- makes a new one. A case is a fault of one kind in one of the two, whatever n. Promised:
-- the output is then absent, the old one or complete; beside it nothing is left but, of a run that was stopped, what the
-- same command goes on with, and its result is that of a run which was never stopped; the exit code says what happened.
-- ONLY=NAME: the cases of that command alone ("eval").
-- Every tensor gets its record in the journal as soon as it is finished (MOONWELD_JOURNAL), so that these can go wrong too.
local moonweld, shim, work, all = arg[1], arg[2], arg[3], arg[4] == "all"
local passed, failed, wrong, turn = 0, 0, 0, 0 -- wrong: calls of this case
local only = os.getenv "ONLY"
local part, parts = (os.getenv "PART" or "1/1"):match("(%d+)/(%d+)") -- see part.sh

local toy = dofile "tests/faults/toy.lua"
local run, read, write = toy.run, toy.read, toy.write

-- One that counts what it executes (make coverage) needs memory as it ends, and crashes without; and its last calls are those that write
-- what it has counted.
local counts = (os.getenv "MOONWELD_BUILD" or ""):find "coverage"
local function ended_counting(code, action) return counts and code == 139 and action == "ENOMEM+" and read(work .. "/err") ~= "" end

local function model(folder, fill)
  local function floats(count) return string.pack("<f", fill):rep(count) end
  toy.model(folder, { { "a.weight", "F32", "[64,64]", floats(64 * 64) }, { "b.weight", "F32", "[3000]", floats(3000) },
    { "steps", "I64", "[2]", string.pack("<i8i8", 1, 2) }, { "z.weight", "F32", "[5,7]", floats(5 * 7) } })
  os.execute("mkdir -p " .. folder .. "/additional_chat_templates")
  write(folder .. "/additional_chat_templates/tool.jinja", "{}\n")
end

local a, b, out = work .. "/a", work .. "/b", work .. "/room/out"
model(a, 1)
model(b, 3)

local function merge(t, fault, more)
  return run(("MOONWELD_JOURNAL=0 %s exec '%s' slerp --a %s --b %s --t %s --threads 2 --shard-size 16400 -o %s %s --quiet 2> %s/err"):format(
    fault or "", moonweld, a, b, t, out, more or "", work))
end

-- What lies in the room, with a digest of every file.
local function snapshot()
  local found = toy.lines("cd " .. work .. "/room && find . -type f -exec cksum {} + -o -type d -print")
  table.sort(found)
  return table.concat(found, "\n") .. "\n"
end

-- Whether all of an output lies there, with whatever else.
local function holds(state, output)
  for line in output:gmatch("[^\n]+") do
    if not state:find(line, 1, true) then return false end
  end
  return true
end

local function clear() os.execute("rm -rf " .. work .. "/room && mkdir " .. work .. "/room") end

-- The largest n for which the n-th call of a kind still comes; struck(n) makes it go wrong and says whether it did.
local function last_call(struck)
  local last, beyond = 1, 1 << 20
  while beyond - last > 1 do
    local middle = (last + beyond) // 2
    if struck(middle) then last = middle else beyond = middle end
  end
  return last
end

-- ---- the three states that are allowed ----

clear()
local absent = snapshot()
assert(merge(0.5) == 0, read(work .. "/err"))
local complete = snapshot()
clear()
assert(merge(0.25) == 0)
local old = snapshot()
os.execute("mv " .. work .. "/room " .. work .. "/old")

local function start(replace)
  os.execute(("rm -rf %s/room && %s %s/room"):format(work, replace and "cp -a " .. work .. "/old" or "mkdir", work))
end

local function bad(what, text)
  wrong = wrong + 1
  print("not ok: " .. what .. ": " .. text)
end

-- The same command again, which now and then is killed once more: then it makes what an undisturbed run does.
local function mended(n)
  if n % 3 == 0 then
    local code = merge(0.5, ("LD_PRELOAD=%s FAULT=any:%d:kill"):format(shim, 20 + n * 7 % 150), "--force --no-sync")
    if code ~= 137 and code ~= 0 then return false end
  end
  return merge(0.5, nil, "--force --no-sync") == 0 and snapshot() == complete
end

-- The merge of a case, with its n-th call going wrong as `action` says: its code, and whether there was such a call.
local function struck(case, n, action, replace)
  start(replace)
  os.remove(work .. "/mark")
  local code = merge(0.5, ("%sLD_PRELOAD=%s FAULT=%s:%d:%s FAULT_MARK=%s/mark"):format(case.plain and "NO_EXCHANGE=1 " or "", shim, case[1],
    n, action, work),
    (replace and "--force " or "") .. (case.more or "") .. (case.sync and "" or " --no-sync"))
  return code, read(work .. "/mark")
end

local function one(case, n, replace)
  local what = ("%s %d %s%s"):format(case[1], n, case[2], replace and ", replacing" or "")
  local code, mark = struck(case, n, case[2], replace)
  if not mark then return false end
  -- Between two plain renames there is no output; any command that names it brings the old one back.
  if case.plain then run(("'%s' inspect %s > %s/shown 2>&1"):format(moonweld, out, work)) end
  local state, before = snapshot(), replace and old or absent
  local undone = code ~= 0 and not (case.left and holds(state, complete)) -- left: of what it replaced not all could be removed
  local good = ended_counting(code, case[2])
  for _, allowed in ipairs(case.codes) do good = good or code == allowed end
  if not good then
    bad(what, ("exit code %d: %s"):format(code, (read(work .. "/err"):gsub("\n.*", ""))))
  elseif case[2] == "kill" then
    -- A killed run may leave its temporary folder, never a part of an output; the next one starts from there.
    local sound = holds(state, complete) or replace and holds(state, old) or not replace and not state:find("./out/", 1, true)
    if not sound then bad(what, "found\n" .. state)
    elseif not mended(n) then bad(what, "the next run does not mend it: " .. read(work .. "/err")) end
  elseif code == 0 and state ~= complete then bad(what, "said to be done, but found\n" .. state)
  elseif undone and state:find("./out.partial-", 1, true) then
    if not holds(state, before) then bad(what, ("exit code %d and changed:\n%s"):format(code, state))
    elseif not read(work .. "/err"):find("the same command goes on from there", 1, true) and not case.events then bad(what, "says nothing of what it has left")
    elseif not mended(n) then bad(what, "the next run does not go on: " .. read(work .. "/err")) end
  elseif undone and state ~= before then
    bad(what, ("exit code %d and left behind:\n%s"):format(code, state))
  end
  -- Before the command line is read nobody knows that events are wanted; 1: OpenMP's own last words.
  for line in (case.events and code ~= 1 and read(work .. "/err") or ""):gmatch("[^\n]+") do
    if not line:find('^{"event":".*}$') and not line:find("no memory for the command line", 1, true) then bad(what, "no event: " .. line) end
  end
  return true
end

-- The numbers of the calls that go wrong, one after the other, as an iterator; step(n) is how far the next one is without `all`.
-- Requests for memory are ten thousand, since Lua makes them for the prelude before a recipe is known. Those that come through the same
-- functions of the program, from main on, are one place, and fail alike: so of these the first two go wrong. list() is such places' numbers.
local function numbers(kind, step, list)
  local places
  if kind == "malloc" then
    places = {}
    for n in list():gmatch "%d+" do places[#places + 1] = tonumber(n) end
  end
  local n = 0
  return function()
    n = n == 0 and 1 or n + (all and 1 or step(n))
    if places then return places[n] end
    return n
  end
end

local function each(case)
  if only then return end
  for _, replace in ipairs { false, true } do
    turn = turn + 1
    if turn % parts == part % parts then
      local first = true
      wrong = 0
      for n in numbers(case[1], function() return case.step or 20 end, function() return select(2, struck(case, 1, "list", replace)) end) do
        if not one(case, n, replace) then break end
        first = false
      end
      if first and not (case.rare and not replace) then bad(case[1] .. " " .. case[2], "the fault never came") end
      if wrong == 0 then passed = passed + 1 else failed = failed + 1 end
    end
  end
end

-- ---- what may go wrong ----

-- 0: what was read for a checksum alone, between two pieces, is read again when all pieces of the file are known (file_checksum.c).
each { "pread", "EIO", codes = { 0, 74 } }
each { "pread", "short", codes = { 0 } }
each { "pread", "EINTR", codes = { 0 } }
each { "pread", "end", codes = { 0, 75 } }
each { "pwrite", "ENOSPC", codes = { 74 } }
each { "pwrite", "EIO+", codes = { 74 } }
each { "pwrite", "short", codes = { 0 } }
each { "pwrite", "EINTR", codes = { 0 } }
each { "fallocate", "ENOSPC", codes = { 74 }, step = 1 }
each { "fallocate", "EDQUOT", codes = { 74 }, step = 1 }
each { "fallocate", "EINTR", codes = { 0 }, step = 1 }
each { "fallocate", "EOPNOTSUPP+", codes = { 0 }, step = 1 }
each { "fdatasync", "EIO", codes = { 74 }, step = 1, sync = true }
each { "fsync", "EIO", codes = { 74 }, left = true, step = 1, sync = true }
each { "fsync", "EINVAL+", codes = { 0 }, step = 1, sync = true }
each { "sync_file_range", "ENOSYS+", codes = { 0 }, step = 1, sync = true }
each { "mkdirat", "ENOSPC", codes = { 74 }, step = 1 }
each { "mkdirat", "EACCES", codes = { 73, 74 }, step = 1 }
-- 0: the first fills the standard streams, and a README that cannot be read tells no licence.
each { "open", "EMFILE", codes = { 0, 66, 73, 74 } }
each { "openat", "EMFILE", codes = { 73, 74 }, left = true }
each { "openat", "EACCES", codes = { 73, 74 }, left = true }
each { "close", "EIO", codes = { 0, 74 } }
each { "fstat", "EIO", codes = { 0, 74, 75 } }
each { "flock", "EINTR", codes = { 0 } }
each { "flock", "EOPNOTSUPP+", codes = { 0 } }
each { "renameat2", "EIO", codes = { 74 }, step = 1 }
each { "renameat2", "EINVAL+", codes = { 0 }, step = 1 }
each { "unlinkat", "EIO", codes = { 74 }, left = true, rare = true, step = 1 }
each { "socketpair", "EMFILE", codes = { 69 }, step = 1 }
each { "fork", "EAGAIN", codes = { 69 }, step = 1 }
each { "any", "kill", codes = { 137 }, step = 79, sync = true }
each { "renameat", "kill", codes = { 137 }, step = 1, sync = true, plain = true }
each { "any", "int", codes = { 0, 130 }, step = 73, sync = true }
-- Without a warning's line or a thread's name a merge goes on. 1: OpenMP's own few mallocs, after which it ends the
-- program; they come before the output is begun. To list a folder takes memory: what was replaced may be left.
each { "malloc", "ENOMEM", codes = { 0, 1, 71 }, left = true, step = 61 }
each { "malloc", "ENOMEM+", codes = { 0, 1, 71 }, left = true, step = 83 }
each { "malloc", "ENOMEM", codes = { 0, 1, 71 }, left = true, step = 307, more = "--log-json", events = true }
each { "malloc", "ENOMEM+", codes = { 0, 1, 71 }, left = true, step = 307, more = "--log-json", events = true }

-- ---- every command ----

-- What a command says with 0 is what it says without a fault, and what it makes too, or a warning tells what it lacks; with another
-- code it says why in one line and makes nothing, or what the same command goes on with. `before` is a command line that prepares the
-- room; with `killed` it is a merge that is killed at that write, so that it leaves what is finished. `rest`: of several outputs
-- the first may be complete; this command line makes the others then.
local faults = {
  { "pread", "EIO" }, { "pread", "short" }, { "pread", "EINTR" }, { "pread", "end" }, { "pwrite", "ENOSPC" }, { "pwrite", "short" }, { "open", "EMFILE" },
  { "open", "EACCES" }, { "openat", "EMFILE" }, { "fstat", "EIO" }, { "close", "EIO" }, { "fsync", "EIO" }, { "fdatasync", "EIO" }, { "renameat2", "EIO" },
  { "unlinkat", "EIO" }, { "ftruncate", "EIO" }, { "fallocate", "ENOSPC" }, { "mkdirat", "ENOSPC" }, { "flock", "EOPNOTSUPP+" }, { "malloc", "ENOMEM" },
  { "malloc", "ENOMEM+" },
}
-- As OpenBLAS is loaded, libgfortran's own start needs memory: it ends the program with these words, or, where there is none for them, in
-- a call of itself.
local function gfortran_ended(code, action)
  local said = read(work .. "/err")
  return code == 134 and said:find("^Operating system error: Cannot allocate memory\n") or code == 139 and said == "" and action == "ENOMEM+"
end
local function command(name, words, before, killed, rest)
  if only and name ~= only then return end
  local function moonweld_in(env, line, said)
    return run(("cd %s && MOONWELD_JOURNAL=0 %s exec '%s' %s > %s 2> err"):format(work, env, moonweld, line, said))
  end
  local function try(fault)
    return moonweld_in(fault or "", words, "said")
  end
  clear()
  if before then
    local code = moonweld_in(killed and ("LD_PRELOAD=%s FAULT=pwrite:%d:kill"):format(shim, killed) or "", before, "prepared")
    assert(code == (killed and 137 or 0), read(work .. "/err"))
  end
  local begun = snapshot()
  os.execute(("rm -rf %s/begun && cp -a %s/room %s/begun"):format(work, work, work))
  local function prepare() os.execute(("rm -rf %s/room && cp -a %s/begun %s/room"):format(work, work, work)) end
  assert(try() == 0, read(work .. "/err"))
  local made, said = snapshot(), read(work .. "/said")
  local first = made:gsub("[^\n]*%./second[^\n]*\n", "")
  assert(not killed or begun:find(".partial-", 1, true) and not made:find(".partial-", 1, true))
  for _, fault in ipairs(faults) do
    turn = turn + 1
    if turn % parts == part % parts then
      wrong = 0
      local function faulty(n, action)
        prepare()
        os.remove(work .. "/mark")
        local code = try(("LD_PRELOAD=%s FAULT=%s:%d:%s FAULT_MARK=%s/mark"):format(shim, fault[1], n, action, work))
        return code, read(work .. "/mark")
      end
      for n in numbers(fault[1], function(n) return 7 * n end, function() return select(2, faulty(1, "list")) end) do
        local what = ("%s: %s %d %s"):format(name, fault[1], n, fault[2])
        local code, mark = faulty(n, fault[2])
        if not mark then break end
        local now = read(work .. "/said")
        -- A side file that a comparison cannot read is told of, and shown on its page; so are scores that cannot be removed.
        local reason = ({ EACCES = "Permission denied", EMFILE = "Too many open files", EIO = "Input/output error", ["end"] = "shrank while it was read" })[fault[2]]
        local told = reason and read(work .. "/err"):find("warning: .*: .*" .. reason)
        if ended_counting(code, fault[2]) then code = 71 end
        if code == 0 then
          -- Of what is removed the size may be unknown; then none is told.
          if now ~= said and now ~= said:gsub(" %(.- on the disk%)", "") and not told then bad(what, "0, but said " .. now) end
          if snapshot() ~= made and not told then bad(what, "0, but found\n" .. snapshot()) end
        elseif words:find("data.jsonl", 1, true) and gfortran_ended(code, fault[2]) then
          if snapshot() ~= begun then bad(what, "left behind:\n" .. snapshot()) end
        elseif code ~= 1 then -- 1: OpenMP's own last words
          if code < 64 or code > 75 or code == 70 then bad(what, ("exit code %d: %s"):format(code, read(work .. "/err"))) end
          if not read(work .. "/err"):find("moonweld: error: ", 1, true) then bad(what, "it does not say why: " .. read(work .. "/err")) end
          local left = snapshot()
          local kept = left:find(".partial-", 1, true) or left:find(".scoring-", 1, true)
          if killed and left ~= made or kept and read(work .. "/err"):find("the same command goes on from there", 1, true) then
            if try() ~= 0 or snapshot() ~= made then bad(what, "the next run does not go on: " .. read(work .. "/err")) end
          elseif rest and left ~= begun and left ~= made and holds(left, first) then
            if moonweld_in("", rest, "said") ~= 0 or snapshot() ~= made then bad(what, "the others cannot be made: " .. read(work .. "/err")) end
          elseif left ~= begun and left ~= made then bad(what, ("exit code %d and left behind:\n%s"):format(code, left)) end
        end
      end
      if wrong == 0 then passed = passed + 1 else failed = failed + 1 end
    end
  end
end
command("plan", "plan slerp --a a --b b --t 0.5 --threads 2")
command("inspect", "inspect a --stats")
command("diff", "diff a b --json --threads 2")
command("a page", "diff a b --html room/page.html --threads 2")
for name, fill in pairs { pa = 1, pb = 3 } do
  model(work .. "/" .. name .. "/unet", fill)
  model(work .. "/" .. name .. "/vae", 2) -- the same in both: it is carried
  write(work .. "/" .. name .. "/model_index.json", '{"unet": ["diffusers", "X"], "vae": ["diffusers", "Y"]}\n')
end
command("a pipeline", "slerp --a pa --b pb --t 0.5 -o room/p --threads 2 --quiet")
local piped = "slerp --a pa --b pb --t 0.5 -o room/p --threads 1 --quiet"
command("going on with a pipeline", piped, piped, 9)
command("thresholds", "ties --base a --experts b a b --profile mergekit --density 0.3 -o room/vote --threads 2 --quiet --no-sync")
command("a lone file", "slerp --a a --b b --t 0.5 -o room/one.safetensors --threads 2 --quiet")
for name, tokens in pairs { va = '{"x": 0, "y": 1}', vb = '{"y": 0, "z": 1}' } do
  local rows = string.pack("<ffffff", 1, 2, 3, 4, 5, 6)
  toy.model(work .. "/" .. name, { { "lm_head.weight", "F32", "[2,3]", rows }, { "model.embed_tokens.weight", "F32", "[2,3]", rows } })
  write(work .. "/" .. name .. "/tokenizer.json", ('{"added_tokens": [], "model": {"type": "WordLevel", "vocab": %s}}'):format(tokens))
  write(work .. "/" .. name .. "/tokenizer_config.json", '{"added_tokens_decoder": {}}')
end
command("a union of vocabularies", [[soup --models va vb va --tokenizer union --pad-vocabulary 5 --tokens '{"new": {"source": {"kind": "zero"}}}' ]] ..
  "-o room/union --threads 2 --quiet")
local made_by = "slerp --a a --b b --t 0.5 --shard-size 16400 --threads 1 --quiet -o room/out"
write(work .. "/config.yml", "merge_method: slerp\nbase_model: a\nmodels:\n  - model: a\n  - model: b\nparameters:\n  t: 0.5\ndtype: float32\n")
command("convert", "convert config.yml")
command("a file of mergekit", "config.yml -o room/y --threads 2 --quiet")
command("report", "report room/out -o room/r.html --threads 2", made_by)
command("verify", "verify room/out --inputs", made_by)
command("rebuild", "rebuild room/out -o room/again --threads 2 --quiet", made_by)
command("seal", "seal room/out", made_by)
command("going on", made_by, made_by, 7)
command("going on from another plan's", made_by, made_by:gsub("0%.5", "0.75"), 7)
command("clean", "clean room/out", made_by, 7)
-- What reads data, and a recipe of several results: in `all` alone, since each run of a network loads OpenBLAS.
local function more()
  -- A model that networks can run: one layer of Llama, four wide.
  local function floats(count)
    local list = {}
    for i = 1, count do list[i] = string.pack("<f", math.sin(i * 7)) end
    return table.concat(list)
  end
  local layer, tensors = "model.layers.0.", { { "lm_head.weight", "F32", "[8,4]", floats(32) }, { "model.embed_tokens.weight", "F32", "[8,4]", floats(32) } }
  for _, name in ipairs { "mlp.gate_proj", "mlp.up_proj" } do tensors[#tensors + 1] = { layer .. name .. ".weight", "F32", "[8,4]", floats(32) } end
  for _, name in ipairs { "q", "k", "v", "o" } do tensors[#tensors + 1] = { layer .. "self_attn." .. name .. "_proj.weight", "F32", "[4,4]", floats(16) } end
  for _, name in ipairs { layer .. "input_layernorm", layer .. "post_attention_layernorm", "model.norm" } do tensors[#tensors + 1] = { name .. ".weight", "F32", "[4]", floats(4) } end
  tensors[#tensors + 1] = { layer .. "mlp.down_proj.weight", "F32", "[4,8]", floats(32) }
  toy.model(work .. "/net", tensors)
  write(work .. "/net/config.json", '{"model_type": "llama", "hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 1, "num_key_value_heads": 1, ' ..
    '"intermediate_size": 8, "vocab_size": 8, "rms_norm_eps": 1e-5, "rope_theta": 10000, "tie_word_embeddings": false, "hidden_act": "silu", "max_position_embeddings": 64}\n')
  os.remove(work .. "/net/tokenizer.json")
  write(work .. "/data.jsonl", "[1, 2, 3, 4, 5]\n[7, 6, 5]\n")
  command("eval", "eval net --data data.jsonl --threads 2")
  command("stats", "stats net --data data.jsonl -o room/fisher.safetensors --threads 2 --quiet")
  write(work .. "/search.lua", 'return recipe { "A search.", arg.model("a", "m"), arg.model("b", "m"), arg.score(),\n' ..
    'function(a) return a.score(a.b) > a.score(a.a) and a.b or a.a end }\n')
  command("a search", "./search.lua --a a --b b --score 'cksum < {dir}/model.safetensors | cut -c1-5' -o room/best --threads 2")
  write(work .. "/two.lua", 'return recipe { "Two.", arg.model("a", "m"), arg.model("b", "m"), function(a) return a.a + 0.5 * (a.b - a.a), { twice = a.b + a.a - a.b } end }\n')
  command("several results", "./two.lua --a a --b b -o room/first --also twice=room/second --threads 2 --quiet", nil, nil,
    "./two.lua --a a --b b --result twice -o room/second --threads 2 --quiet")
end
if all then more() end

-- ---- a lone file that is replaced ----

-- Killed at any of its last calls, among which its names are given, it leaves weights that the next command finds with the lock and
-- the card that belong to them.
local function lone()
  local function made(t, fault)
    return run(("cd %s && %s exec '%s' slerp --a a --b b --threads 1 --quiet --force --t %s -o room/one.safetensors > said 2> err"):format(work, fault or "",
      moonweld, t))
  end
  local function killed(n)
    os.execute(("rm -rf %s/room && cp -a %s/old %s/room && rm -f %s/mark"):format(work, work, work, work))
    made(0.5, ("LD_PRELOAD=%s FAULT=any:%d:kill FAULT_MARK=%s/mark"):format(shim, n, work))
    return read(work .. "/mark")
  end
  os.execute(("rm -rf %s/old %s/room && mkdir %s/room"):format(work, work, work))
  assert(made(0.25) == 0, read(work .. "/err"))
  local before = snapshot()
  os.execute(("cp -a %s/room %s/old"):format(work, work))
  assert(made(0.5) == 0, read(work .. "/err"))
  local after = snapshot()
  local last = last_call(killed)
  wrong = 0
  local kept, replaced = 0, 0
  for n = last - 60, last, all and 1 or 3 do
    local what = "a lone file: kill " .. n
    killed(n)
    if run(("cd %s && exec '%s' inspect room/one.safetensors > said 2> err"):format(work, moonweld)) ~= 0 then bad(what, read(work .. "/err")) end
    local state = snapshot()
    kept, replaced = kept + (holds(state, before) and 1 or 0), replaced + (holds(state, after) and 1 or 0)
    if not holds(state, before) and not holds(state, after) then bad(what, "found\n" .. state) end
    if made(0.5) ~= 0 or snapshot() ~= after then bad(what, "the next run does not mend it:\n" .. snapshot()) end
  end
  if kept == 0 or replaced == 0 then bad("a lone file", ("%d times the old one, %d times the new one"):format(kept, replaced)) end
  if wrong == 0 then passed = passed + 1 else failed = failed + 1 end
end
if part == parts and not only and not counts then lone() end

-- ---- a recipe that is described ----

-- Its arguments have long texts, so that what is told of them needs memory of its own; that is taken last.
local function describe()
  local args = {}
  for i = 1, 60 do args[i] = ('arg("p%d", 0.5, "%s")'):format(i, ("long "):rep(180)) end
  write(work .. "/long.lua", ('return recipe { "Many.", arg.model("base", "m"), %s, function(a) return a.base end }'):format(table.concat(args, ",\n")))
  local function help(n)
    os.remove(work .. "/mark")
    local code = run(("LD_PRELOAD=%s FAULT=malloc:%d:ENOMEM FAULT_MARK=%s/mark exec '%s' %s/long.lua --help > %s/out 2> %s/err"):format(
      shim, n, work, moonweld, work, work, work))
    return read(work .. "/mark") ~= nil, code
  end
  local last = last_call(help)
  wrong = 0
  for n = math.max(1, last - (all and 400 or 60)), last do
    local _, code = help(n)
    if code ~= 0 and code ~= 71 and not (counts and code == 139) then bad("malloc " .. n .. " of a recipe's help", "exit code " .. code) end
  end
  if last == 1 then bad("malloc of a recipe's help", "the fault never came") end
  if wrong == 0 then passed = passed + 1 else failed = failed + 1 end
end
if part == parts and not only then describe() end

-- ---- every kind of method goes on with the bits of an undisturbed run ----

-- Elementwise, sums of a tensor, thresholds of a tensor and of the model, random masks, shards, a lone file. Outputs that are computed
-- from guessed totals of the model (`anew`) are final when all are, so that such a run begins anew.
local methods = {
  { "slerp --a %s/kjv --b %s/py --t 0.3" }, { "soup --models %s/kjv %s/py %s/de" },
  { "ties --base %s/base --experts %s/kjv %s/py --profile mergekit --density 0.3" },
  { "ties --base %s/base --experts %s/kjv %s/py", anew = true }, { "dare_ties --base %s/base --experts %s/kjv %s/py --seed 7", anew = true },
  { "lerp --a %s/kjv --b %s/py --shard-size 700kB" }, { "lerp --a %s/kjv --b %s/py --dtype f32", ending = ".safetensors" },
}
local function go_on(method)
  local words, ending = method[1]:gsub("%%s", "tests/data/pico"), method.ending or ""
  local function make(name, before)
    return run(("MOONWELD_JOURNAL=0 %s exec '%s' %s --threads 2 --no-sync -o %s/room/%s%s 2> %s/err"):format(before or "", moonweld, words, work, name,
      ending, work))
  end
  clear()
  wrong = 0
  assert(make "whole" == 0, read(work .. "/err"))
  local resumed = 0
  for n = all and 1 or 9, 60, all and 1 or 23 do
    local code = make("out", ("LD_PRELOAD=%s FAULT=pwrite:%d:kill"):format(shim, n))
    if code == 0 then break end
    local again = make "out"
    resumed = resumed + (tonumber(read(work .. "/err"):match "(%d+) of %d+ tensors were there") or 0)
    local differs = run(("cd %s/room && diff -r whole%s out%s > /dev/null"):format(work, ending, ending))
    if code ~= 137 or again ~= 0 or differs ~= 0 then
      bad(words, ("killed at write %d: %d, then %d, %s"):format(n, code, again, read(work .. "/err")))
    end
    run(("rm -rf %s/room/out*"):format(work))
  end
  if resumed == 0 and not method.anew then bad(words, "nothing was there from the run that was killed") end
  if wrong == 0 then passed = passed + 1 else failed = failed + 1 end
end
for i, method in ipairs(methods) do
  if i % parts == part % parts and not only then go_on(method) end
end

print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0)
