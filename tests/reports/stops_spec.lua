--- Merges that are stopped, and what lies beside an output: a run goes on to the bytes of an undisturbed one wherever it was stopped, and
-- wrecks, left-overs of other plans and names that mean something elsewhere hurt nothing.
package.path = "tests/reports/?.lua;" .. package.path
local M = require "models"
local mw = require "moonweld"

--- Values that hold a close vote: as many above zero as below, but for one.
local function noise(count, seed)
  local values, state = {}, seed
  for i = 1, count do
    state = (state * 1103515245 + 12345) % 2147483648
    values[i] = ((state >> 12) % 2 == 0 and 1 or -1) * (1 + (state >> 16) % 7) / 8
  end
  return values
end

local sizes = { ["a.weight"] = 333, ["b.weight"] = 70001, ["c.weight"] = 131072, ["d.weight"] = 5 }
for seed, name in ipairs { "base", "x", "y", "z" } do
  local tensors = {}
  for tensor, count in pairs(sizes) do tensors[tensor] = { "F32", { count }, noise(count, seed * 1000 + count) } end
  M.safetensors(name .. ".safetensors", tensors, '{"note":"' .. ("n"):rep(seed * 101) .. '"}') -- each begins at another odd place
end
M.write("vote.lua", [[return recipe { "The sign that most elements of a tensor have.", arg.models("models", "models"), function(a)
  return mean(a.models):map(function(x) local s = x:sign() return (x * (s * s:total():sign())):unweighed() end)
end }]])

local function path(name) return M.folder .. "/" .. name end
local all = { path "x.safetensors", path "y.safetensors", path "z.safetensors" }
local cases = { lerp = { "lerp", { a = all[1], b = all[2], t = 0.3 } }, slerp = { "slerp", { a = all[1], b = all[2], t = 0.3 } },
  ["ties, a vote of the model"] = { "ties", { base = path "base.safetensors", experts = all, density = 0.5 } },
  ["dare_ties"] = { "dare_ties", { base = path "base.safetensors", experts = all, density = 0.5 } },
  ["a vote of each tensor"] = { path "vote.lua", { models = all } } }

describe("a merge that is stopped at any block goes on to the bytes of an undisturbed one:", function()
  local function bytes(out) return M.bytes(out .. "/model.safetensors") .. M.bytes(out .. "/merge.lock.json") end
  for name, case in pairs(cases) do
    it(name, function()
      local out, blocks = path "stopped", 0
      local function merge(progress, threads)
        return pcall(mw.merge, case[1], case[2], { output = out, no_sync = true, threads = threads or 1, progress = progress })
      end
      assert(merge(function() blocks = blocks + 1 end))
      local expected, kept, anew = bytes "stopped", 0, 0
      M.run "rm -r stopped"
      for at = 1, blocks, blocks > 20 and 2 or 1 do
        local seen = 0
        local good, problem = merge(function() seen = seen + 1 return seen < at end)
        if not good then
          assert(tostring(problem):find("interrupted", 1, true), problem)
          local told = tostring(problem):find("goes on from there", 1, true)
          kept, anew = kept + (told and 1 or 0), anew + (told and 0 or 1)
          assert(told or tostring(problem):find("no tensor was finished: the same command begins anew", 1, true), problem)
          assert(M.run "ls -d stopped.partial-* > /dev/null 2>&1" == (told and 0 or 2), problem)
          assert(merge(nil, 3))
        end
        assert(bytes "stopped" == expected, "other bytes after a stop at block " .. at)
        M.run "rm -r stopped"
      end
      assert(kept + anew > 1, "it was hardly ever stopped")
    end)
  end

  local same_as_whole = "diff -r pq whole && moonweld verify pq --inputs && ! find pq -name '*.journal' | grep . && rm -r pq && ! ls -d pq* 2> /dev/null"

  --- A pipeline of a UNet, a text encoder that is the same in all, and a VAE that only p has.
  local function pipeline(name, seed)
    local function component(part, tensors)
      M.safetensors(name .. "/" .. part .. "/model.safetensors", tensors)
      M.write(name .. "/" .. part .. "/config.json", '{"_class_name": "X"}')
    end
    component("unet", { w = { "F32", { 333 }, noise(333, seed) }, x = { "F32", { 70001 }, noise(70001, seed + 1) }, y = { "F32", { 5 }, noise(5, seed + 2) } })
    component("text", { t = { "F32", { 1000 }, noise(1000, 1) }, u = { "F32", { 70 }, noise(70, 2) } })
    if name == "p" then component("vae", { v = { "F32", { 2000 }, noise(2000, 3) } }) end
    M.write(name .. "/model_index.json", '{"_class_name": "P", "unet": ["diffusers", "X"], "text": ["diffusers", "X"]' ..
      (name == "p" and ', "vae": ["diffusers", "X"]}' or "}"))
  end

  it("a pipeline, component by component", function()
    pipeline("p", 5)
    pipeline("q", 9)
    pipeline("r", 14)
    local blocks, kept, anew, complete = 0, 0, 0, 0
    local function merge(progress)
      return pcall(mw.merge, "slerp", { a = path "p", b = path "q", t = 0.5 }, { output = path "pq", no_sync = true, threads = 1, progress = progress })
    end
    assert(merge(function() blocks = blocks + 1 end))
    M.run "rm -rf whole && mv pq whole && cp -r whole pq"
    assert.equal(0, (M.run(same_as_whole)))
    for at = 1, blocks do
      local seen = 0
      local good, problem = merge(function() seen = seen + 1 return seen < at end)
      if not good then
        local told = problem:find("the same command goes on from there: what is finished is kept in pq.partial-", 1, true)
        assert(told or problem:find("no tensor was finished: the same command begins anew", 1, true), problem)
        kept, anew = kept + (told and 1 or 0), anew + (told and 0 or 1)
        assert(M.run "ls -d pq.partial-* > /dev/null 2>&1" == (told and 0 or 2), problem)
        local code, before = M.run "ls -d pq.partial-*/text.partial-* > /dev/null && stat -c %i pq.partial-*/unet.partial-*/model.safetensors"
        local again, said = M.run "moonweld slerp --a $PWD/p --b $PWD/q --t 0.5 -o pq --no-sync"
        assert(again == 0, said)
        if code == 0 then -- the text encoder was begun, so the UNet was complete
          local _, now = M.run "stat -c %i pq/unet/model.safetensors"
          assert.equal(before, now)
          assert(tonumber(said:match "(%d+) of 6 tensors were there from an earlier run") >= 3, said)
          complete = complete + 1
        end
      end
      local code, said = M.run(same_as_whole)
      assert(code == 0, ("stopped at block %d: %s"):format(at, said))
    end
    assert(kept > 3 and anew > 0 and complete > 0, kept .. " and " .. anew .. " and " .. complete)
  end)

  it("a pipeline of other inputs, files that were changed, and what is cleaned", function()
    local first = 1 -- the block at which something of the UNet is finished, as soon as it is known
    local function stopped(b)
      for at = first, 99 do
        local seen = 0
        assert(not pcall(mw.merge, "slerp", { a = path "p", b = path(b), t = 0.5 },
          { output = path "pq", no_sync = true, threads = 1, progress = function() seen = seen + 1 return seen < at end }), "it was never stopped there")
        if M.run "ls -d pq.partial-*/unet.partial-* > /dev/null 2>&1" == 0 then first = at return end
      end
    end
    local make = "moonweld slerp --a $PWD/p --b $PWD/q --t 0.5 -o pq --no-sync"
    stopped "r"
    local code, said = M.run(make .. " && diff -r pq whole && rm -r pq")
    assert(code == 0 and said:find("which a run of another plan has left, is removed; what differs: unet, the file model.safetensors of b", 1, true), said)
    for _, spoil in ipairs { "printf 'x' | dd of=$u/model.safetensors conv=notrunc bs=1 seek=9000 status=none", "truncate -s 99 $u/moonweld.journal", "rm $u/moonweld.journal",
      "truncate -s 9 $u/model.safetensors", "rm -r $u && ln -s /etc $u", "rm -r $u && touch $u", "mv $u $(dirname $u)/unet", "rm $(dirname $u)/moonweld.journal",
      "mkdir $(dirname $u)/vae $(dirname $u)/foreign && touch $(dirname $u)/vae/x", "cp -r $u $(dirname $u)/unet.partial-00000000" } do
      stopped "q"
      code, said = M.run("set -e; u=$(ls -d pq.partial-*/unet.partial-*); " .. spoil .. "; " .. make .. " --quiet && " .. same_as_whole)
      assert(code == 0, spoil .. "\n" .. said)
    end
    stopped "q"
    code, said = M.run "moonweld clean pq && ! ls -d pq* 2> /dev/null"
    assert(code == 0 and said:find("pq.partial-", 1, true), said)
  end)
end)

--- A merge of the first two models that is stopped behind so many blocks.
local function stopped(recipe, t, output, most)
  local blocks = 0
  local function stop()
    blocks = blocks + 1
    return blocks < most
  end
  assert(not pcall(mw.merge, recipe, { a = all[1], b = all[2], t = t }, { output = path(output), no_sync = true, threads = 1, progress = stop }))
end
local lerp = "moonweld lerp --a x.safetensors --b y.safetensors --t 0.3 --no-sync --quiet "
assert.equal(0, (M.run(lerp .. "-o right")))

local function good(lines)
  local code, said = M.run("set -e; " .. lines)
  assert(code == 0, ("exit %s: %s\n%s"):format(code, lines, said))
  return said
end

describe("what a power cut has left", function()
  it("of an output that was complete: files of the right size full of zeros, some or all of them", function()
    for _, files in ipairs { "wreck/*", "wreck/merge.lock.json wreck/model.safetensors", "wreck/merge.lock.json" } do
      good("cp -r right wreck; for f in " .. files .. "; do n=$(stat -c %s $f); rm $f; truncate -s $n $f; done")
      local code, said = M.run(lerp .. "-o wreck")
      assert(code == 73, said)
      good(lerp .. "-o wreck --force && diff -r wreck right && moonweld verify wreck && rm -r wreck")
    end
  end)

  it("of a lock that was written in part", function()
    good("cp -r right wreck && truncate -s 700 wreck/merge.lock.json")
    local code, said = M.run "moonweld verify wreck"
    assert(code == 65, said)
    good(lerp .. "-o wreck --force && diff -r wreck right && rm -r wreck")
  end)

  it("of a run that was under way: a journal and tensors of zeros are no reason to trust either", function()
    for _, spoil in ipairs { "truncate -s 0 $p/moonweld.journal; truncate -s 900 $p/moonweld.journal",
      "n=$(stat -c %s $p/model.safetensors); : > $p/model.safetensors; truncate -s $n $p/model.safetensors",
      "truncate -s 60 $p/moonweld.journal", "truncate -s 100000 $p/model.safetensors", "rm $p/model.safetensors", "rm $p/moonweld.journal" } do
      stopped("lerp", 0.3, "cut", 4)
      good("p=$(ls -d cut.partial-*); test -s $p/moonweld.journal; " .. spoil)
      assert(mw.merge("lerp", { a = all[1], b = all[2], t = 0.3 }, { output = path "cut", no_sync = true }))
      good "cmp cut/model.safetensors right/model.safetensors && moonweld verify cut && rm -r cut && ! ls -d cut* 2> /dev/null"
    end
  end)
end)

describe("what lies beside an output under the names of left-overs", function()
  it("of other plans is named and removed", function()
    stopped("slerp", 0.1, "near", 9)
    good "ls -d near.partial-* > /dev/null"
    local said = good(lerp:gsub("%-%-quiet", "") .. "-o near")
    assert(said:find("near.partial%-%x+, which a run of another plan has left, is removed; what differs: the recipe or its arguments"), said)
    good "diff -r near right && ! ls -d near.partial-* 2> /dev/null && rm -r near"
  end)

  it("but is not what it seems: links are not followed, files and the names of others stay", function()
    good [[mkdir -p precious && echo kept > precious/file && ln -s "$PWD/precious" far.partial-01234567 && echo mine > far.partial-89abcdef &&
      mkdir far.partial far.partial-0123456 far.partial-zzzzzzzz]]
    good(lerp .. "-o far && diff -r far right && moonweld clean far > /dev/null")
    good "test $(cat precious/file) = kept && test -d far.partial && test -d far.partial-0123456 && test -d far.partial-zzzzzzzz && rm -r far*"
  end)
end)

describe("names that mean something elsewhere", function()
  it("are names of outputs and inputs like any other, in a merge, its proof, verify, rebuild, seal and clean", function()
    for _, name in ipairs { "a+b", "a:0-2", "a,b", "org", "-o", "--force", "x.partial-01234567", "merge.lock.json", "a b", "a'b", "a\"b", "$(touch hacked)", "{dir}", "%s%n",
      "a\nb", "\27[31mred", "\u{202e}evil", "läufe", ("n"):rep(200), "~", "*", "x.safetensors.d", "@main", "back\\slash" } do
      local word = "'./" .. name:gsub("'", "'\\''") .. "'"
      good("mkdir -p store && cp x.safetensors y.safetensors store && cd store && mkdir " .. word .. " && mv x.safetensors " .. word .. "/x.safetensors && cp -r ../right/. keep && " ..
        "moonweld lerp --a " .. word .. "/x.safetensors --b y.safetensors --t 0.3 --no-sync --quiet -o " .. word .. "/out && cmp " .. word .. "/out/model.safetensors keep/model.safetensors")
      local said = good("cd store && moonweld verify " .. word .. "/out --inputs && moonweld seal " .. word .. "/out --quiet && moonweld clean " .. word .. "/out && " ..
        "moonweld rebuild " .. word .. "/out -o " .. word .. "/again --no-sync --quiet && cmp " .. word .. "/out/merge.lock.json " .. word .. "/again/merge.lock.json && " ..
        "mv " .. word .. "/out out && rm -r " .. word .. " && moonweld lerp --a y.safetensors --b y.safetensors --t 0.3 --no-sync --quiet -o " .. word .. " && moonweld verify " .. word)
      assert(not said:find("\27", 1, true) and not said:find("\u{202e}", 1, true), "a name reached the terminal as it is")
      good "test ! -e store/hacked && test ! -e hacked && rm -r store"
    end
  end)
end)
