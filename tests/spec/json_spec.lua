--- .github/JSON.md against the program: every key that a run prints is on the page, and every key of the page is printed by a run.
package.path = "tests/spec/?.lua;" .. package.path
local parse = require "json"

local program = os.getenv "MOONWELD" or "build/moonweld"
local folder = io.popen("mktemp -d"):read()

local function read(file)
  local input = assert(io.open(file, "rb"))
  local text = input:read "a"
  input:close()
  return text
end

--- The sections of the page: { name = { key = true } }.
local pages, section = {}, nil
for line in io.lines ".github/JSON.md" do
  section = line:match "^## (.*)$" or section
  pages[section or ""] = pages[section or ""] or {}
  local key = line:match "^| `([^`]+)` |"
  if key then pages[section][key] = true end
end

--- Runs commands in a folder of its own, where `moonweld` is the program and $PICO has models. What they print lies in files there.
local function run(commands)
  local script = ("set -e; PICO='%s/tests/data/pico'; moonweld() { '%s' \"$@\"; }; cd '%s'\n%s"):format(os.getenv "PWD",
    program:sub(1, 1) == "/" and program or os.getenv "PWD" .. "/" .. program, folder, commands)
  local out = assert(io.open(folder .. "/commands", "w"))
  out:write(script)
  out:close()
  assert(os.execute(("bash '%s/commands'"):format(folder)), "a command failed")
end

--- Marks the keys of a value, by their paths, as the page writes them. The page's "*" stands for any key.
local function mark(value, path, known, found)
  if type(value) ~= "table" then return end
  for _, key in ipairs(value.order) do
    local own = path == "" and key or path .. "." .. key
    if not known[own] and known[path .. ".*"] then own = path .. ".*" end
    found[own] = true
    mark(value[key], own, known, found)
  end
  for _, item in ipairs(value) do mark(item, path .. "[]", known, found) end
end

--- Holds what lies in files against a section. `of`: an object's path on the page, of which it is the part; a line each.
local function holds(name, files, lines, of)
  local known, found = assert(pages[name], name), {}
  for _, file in ipairs(files) do
    local text = read(folder .. "/" .. file)
    for part in text:gmatch(lines and "[^\n]+" or ".+") do
      local value = assert(parse(part))
      mark(value, of and of(value) or "", known, found)
    end
  end
  for key in pairs(found) do assert(known[key], ("the page has no `%s` under '%s'"):format(key, name)) end
  for key in pairs(known) do assert(found[key], ("nothing printed `%s` of '%s'"):format(key, name)) end
end

describe("the page of JSON keys", function()
  teardown(function() os.execute("rm -rf '" .. folder .. "'") end)
  setup(function()
    run [[
      printf '[1, 20, 300, 4, 50]\n[7, 8, 9]\n' > a.jsonl
      cat > best.lua <<'RECIPE'
      local soup = require "learned_soup"
      return recipe { "The better of two learned soups.", arg.models("models", "peers"), arg.calibration(), arg.score(), arg.seed(), function(a)
        print "two are tried"
        local stay = a.seed:uniform()
        local one = soup { models = a.models, steps = 1, data = a.data, seed = a.seed }
        local two = soup { models = a.models, steps = 2, by = "tensor", data = a.data, seed = a.seed }
        return (a.score(one) > a.score(two) and one or two):with_config { note = stay }
      end }
RECIPE
      export MOONWELD_PATH=homes XDG_CONFIG_HOME=/nowhere; mkdir homes; moonweld new own > told
      echo 'return recipe { "Low.", arg.model("base", "a model"), function(a) return a.base:map(function(t) return t:unweighed() end):with(' \
        'low_rank((a.base * a.base:norm():show("norm")):only("*q_proj*"), 4):unweighed()) end }' > low.lua
      moonweld plan ./low.lua --base "$PICO/base" --json > plan5
      moonweld ./low.lua --base "$PICO/base" -o low --quiet
      echo 'return recipe { "Squares.", arg.model("m", "a model"), arg.calibration(), function(a)' \
        'return a.m:map(function(t) return 0 * t end) + fisher(a.m, a.data):unweighed() end }' > squares.lua
      moonweld plan ./squares.lua --m "$PICO/base" --data a.jsonl --json > plan7
      moonweld ./squares.lua --m "$PICO/base" --data a.jsonl -o squares --log-json 2> events2
      moonweld list --json > list
      moonweld sweep ties --base "$PICO/base" --experts "$PICO/kjv" --over density=0.5,1 --over per=model --score loss:a.jsonl -o swept --quiet --json > sweep
      moonweld plan lerp --a "$PICO/kjv" --b "$PICO/py" --t 0,1 --json --explain > plan1
      moonweld plan ./best.lua --models "$PICO/kjv" "$PICO/py" --data a.jsonl --score loss:a.jsonl --json --quiet > plan2
      mkdir p q
      for pipeline in p q; do
        cp -r "$PICO/$([ $pipeline = p ] && echo kjv || echo py)" $pipeline/text_encoder
        printf '{"text_encoder": ["transformers", "X"], "vae": [%s]}' "$([ $pipeline = p ] && echo '"diffusers", "X"' || echo null, null)" > $pipeline/model_index.json
      done
      cp -r "$PICO/kjv" p/vae
      moonweld plan lerp --a p --b "q+$PICO/lora" --json > plan3
      moonweld lerp --a p --b "q+$PICO/lora" -o pipeline --log-json 2> events
      moonweld plan stack --parts "$PICO/kjv:0-2" --json > plan4
      moonweld plan lerp --a "$PICO/kjv" --b "$PICO/py" --tokenizer base --json > plan6
      moonweld lerp --a "$PICO/kjv" --b "$PICO/py" --tokenizer base -o aligned
      moonweld inspect "$PICO/kjv" --stats --json > inspect
      moonweld diff "$PICO/kjv" "$PICO/py" --base "$PICO/base" --json > diff
      moonweld diff "$PICO/kjv" "$PICO/py" "$PICO/de" --base "$PICO/base" --json | sed 's/"tensors":\[.*\]}/"tensors":[]}/' > diffs
      moonweld eval "$PICO/kjv" --data a.jsonl --json > eval
      moonweld ./best.lua --models "$PICO/kjv" "$PICO/py" --data a.jsonl --score one=loss:a.jsonl --threads 1 --dtype f32 -o best --log-json 2>> events
      cp "$PICO/kjv/model.safetensors" $'odd\xff.safetensors'
      mkdir odd; cp "$PICO/base/"* odd; touch odd/$'odd\xff.txt'
      moonweld lerp --a "odd+$PICO/lora" --b $'odd\xff.safetensors' -o adapted --quiet --no-sync
      moonweld seal best
      moonweld verify best --json > verify1
      cp -r best worse
      echo >> worse/README.md
      moonweld verify worse --json > verify2 2> /dev/null || true
      moonweld lerp --a "$PICO/kjv/model.safetensors" --b "$PICO/py" -o lone --log-json 2>> events
      moonweld lerp --a "$PICO/kjv" --b nowhere -o no --log-json 2>> events || true
    ]]
  end)
  it("list", function() holds("list --json", { "list" }) end)
  it("sweep", function() holds("sweep --json", { "sweep" }) end)
  it("plan", function() holds("plan --json", { "plan1", "plan2", "plan3", "plan4", "plan5", "plan6", "plan7" }) end)
  it("inspect", function() holds("inspect --json", { "inspect" }) end)
  it("diff", function() holds("diff --json", { "diff" }) end)
  it("diff of several", function() holds("diff --json of several models", { "diffs" }) end)
  it("eval", function() holds("eval --json", { "eval" }) end)
  it("events", function() holds("--log-json", { "events", "events2" }, true, function(event) return event.event end) end)
  it("the lock", function() holds("merge.lock.json", { "best/merge.lock.json", "pipeline/merge.lock.json", "low/merge.lock.json", "aligned/merge.lock.json", "adapted/merge.lock.json",
    "squares/merge.lock.json" }) end)
  it("verify", function() holds("verify --json", { "verify1", "verify2" }) end)
  it("the seal", function() holds("moonweld/seal.json", { "best/moonweld/seal.json" }) end)
  it("the log of a training", function() holds("moonweld/training.jsonl", { "best/moonweld/training.jsonl" }, true) end)
  it("has a section for each command that prints JSON", function()
    for line in io.lines "src/cli/commands.def" do
      local file = line:match "^MW_COMMAND%(([%l_]+)%)"
      local command = file and (file:match "merge_(.+)" or file)
      local json = file and read("src/cli/cmd_" .. (file:match "^merge" and "merge" or file) .. ".c"):find('{ "json", ', 1, true)
      if json then assert(pages[command .. " --json"], command) end
    end
  end)
end)
