--- prompts{...}: texts of a recipe as data: which tokens each is read as, how empty lists and several lists count, what is refused; and the
-- gates of files of mergekit-moe that are made of them.
package.path = "tests/reports/?.lua;" .. package.path
local M = require "models"
local DATA = io.popen("pwd"):read "l" .. "/tests/data/"
local PICO = DATA .. "pico/"

-- The sum of the ids of all tokens: row i of the embedding is { i, 1 }, and the mean of what layer 0 reads is asked for.
local sums = [[return recipe { "Sums.", arg.model("m", "m"), function(a)
  local function forward(w, batch, config) local x = embedding(batch, w "model.embed_tokens.weight") config.enter(0, x) return x end
  local d = %s
  return { sums = hidden(a.m, d, { forward = forward })[1]:total{ per = "column" }:unweighed() }
end }]]

local function model(name, tokenizer, settings)
  local rows = {}
  for i = 0, 4095 do rows[2 * i + 1], rows[2 * i + 2] = i, 1 end
  M.model(name, { ["model.embed_tokens.weight"] = { "F32", { 4096, 2 }, rows } }, '{"model_type": "llama", "hidden_size": 2, "vocab_size": 4096, "tie_word_embeddings": true}')
  M.run(("cp %stokenizers/%s %s/"):format(DATA, tokenizer, name))
  for file, text in pairs(settings or {}) do M.write(name .. "/" .. file, text) end
end

local function read(name, given)
  M.write("sums.lua", sums:format(given))
  return M.run(("moonweld ./sums.lua --m %s -o sums.safetensors --force --quiet --allow config --allow tokenizer"):format(name))
end

--- The sum of ids, and how many tokens there are.
local function told(name, given)
  local code, said = read(name, given)
  assert.equal(0, code, said)
  local x = M.read "sums.safetensors".sums
  return x[1], x[2]
end

describe("prompts", function()
  setup(function()
    model("llama", "llama2/tokenizer.json", { ["tokenizer_config.json"] = '{"bos_token": {"content": "<s>"}}' })
    model("spm", "llama2/tokenizer.model", { ["tokenizer_config.json"] = '{"bos_token": "<s>"}' })
    model("none", "llama2/tokenizer.json", { ["tokenizer_config.json"] = '{"bos_token": null}' })
    model("map", "llama2/tokenizer.json", { ["tokenizer_config.json"] = "{}", ["special_tokens_map.json"] = '{"bos_token": "</s>"}' })
    model("own", "llama2/tokenizer.json")
    model("qwen", "qwen2/tokenizer.json", { ["tokenizer_config.json"] = '{"bos_token": null}' })
  end)

  -- As transformers reads "<s>Hello world" without special tokens of its own: no space begins what stands behind a token.
  it("are read behind the tokenizer's BOS token, whole", function()
    for name, ids in pairs { llama = { 1, 2008, 291, 451, 1594, 488 }, spm = { 1, 2008, 291, 451, 1594, 488 }, none = { 409, 291, 451, 1594, 488 },
      map = { 2, 2008, 291, 451, 1594, 488 }, own = { 1, 409, 291, 451, 1594, 488 }, qwen = { 39, 294, 365, 283, 277, 590 } } do
      local sum = 0
      for _, id in ipairs(ids) do sum = sum + id end
      local found, tokens = told(name, 'prompts{ "Hello world" }')
      assert.same({ name, sum, #ids }, { name, found, tokens })
    end
    local _, tokens = told("qwen", ('prompts{ "%s" }'):format(("x "):rep(1500)))
    assert(tokens > 1000, tostring(tokens)) -- beyond what a window of --data has
    assert.same({ 87, 1 }, { told("qwen", 'prompts{ "x" }') })
  end)

  it("are as of so many files where they are lists, of which some may be empty", function()
    local one, two = told("qwen", 'prompts{ "x" }'), told("qwen", 'prompts{ "y", "z" }')
    assert.equal(one, (told("qwen", 'prompts{ {"x"}, {}, {"y", "z"} }[1]')))
    assert.equal(two, (told("qwen", 'prompts{ {"x"}, {}, {"y", "z"} }[3]')))
    assert.equal(one + two, (told("qwen", 'prompts{ {"x"}, {}, {"y", "z"} }')))
    assert.equal(two, (told("qwen", '(function() local d = prompts{ {"x"}, {}, {"y", "z"} } assert(#d == 3 and #d[1] == 1 and #d[2] == 0) return d[3] end)()')))
    assert.equal(one, (told("qwen", '(function() prompts{ "y" } prompts{ "x" } return prompts{ "x" } end)()')))
  end)

  it("and data are read where --tokenizer names the donor's own", function()
    M.write("x.jsonl", "[1, 2, 3]\n")
    M.write("both.lua", (sums:gsub('arg.model%("m", "m"%)', '%0, arg.calibration()'):format('prompts{ "x" } d = a.data')))
    local code, said = M.run "moonweld plan ./both.lua --m qwen --data x.jsonl --tokenizer m --allow config --allow tokenizer"
    assert.equal(0, code, said)
  end)

  it("that are none are refused", function()
    for given, said in pairs {
      ["prompts{}"] = 'this is written prompts{ "a text", "another" }', ["prompts(3)"] = "not with a number", ["prompts{ 'x', 3 }"] = "member 2 is a number",
      ["prompts{ 'x', {'y'} }"] = "member 2 is", ["prompts{ {'x'}, 'y' }"] = "not both: member 2 is", ["prompts{ {} }"] = "these are an empty list",
      ["prompts{ {'x'}, {} }[2]"] = "these are an empty list", ["prompts{ {'x'} }[2]"] = "there is no data[2]", ["prompts{ 'x', '' }"] = "prompt 2: found no token",
      ["prompts{ '\\xff' }"] = "prompt 1: the text is not UTF-8", ["a.m"] = "hidden takes data",
    } do
      local code, text = read("qwen", given)
      assert(code == 65 and text:find(said, 1, true), given .. ": " .. text)
    end
    M.write("early.lua", 'local d = prompts{ "x" } return recipe { "E.", arg.model("m", "m"), function(a) return a.m end }')
    M.refused("moonweld ./early.lua --m qwen", "within its function(a)")
    M.run "mkdir -p bare && cp qwen/config.json qwen/model.safetensors bare/"
    local code, text = read("bare", 'prompts{ "x" }')
    assert(code ~= 0 and text:find("neither tokenizer.json nor tokenizer.model", 1, true), text)
    code, text = read("qwen/model.safetensors", 'prompts{ "x" }')
    assert(code ~= 0 and text:find("is a file without one", 1, true), text)
    code, text = read("qwen", '(function() for i = 1, 2000 do prompts{ "x" .. i } end return prompts{ "x" } end)()')
    assert(code == 65 and text:find("lists of prompts", 1, true), text)
  end)

  it("give the mean of each one's mean by at = \"each\"", function()
    local body = sums:gsub("%[1%]:total{ per = \"column\" }", '[1]:mean{ per = "column", at = "each" }')
    M.write("each.lua", body:format('prompts{ "x", "yz yz yz" }'))
    local code, said = M.run "moonweld ./each.lua --m qwen -o each.safetensors --force --quiet --allow config --allow tokenizer"
    assert.equal(0, code, said)
    local one, count = told("qwen", 'prompts{ "x" }')
    local other, more = told("qwen", 'prompts{ "yz yz yz" }')
    local expected, found = (one / count + other / more) / 2, M.read "each.safetensors".sums[1]
    assert(math.abs(found - expected) < 1e-5 * expected, ("%.9g, expected %.9g"):format(found, expected))
  end)
end)

describe("A file of mergekit-moe", function()
  local head = "base_model: %sbase\ngate_mode: %s\ndtype: float32\nexperts:\n"
  local kjv = "- source_model: %skjv\n  positive_prompts: ['import os']\n"
  local py = "- source_model: %spy\n  positive_prompts: ['und so weiter, und so fort', NAME]\n  negative_prompts: [aaa]\n"

  local function routers(command)
    local code, said = M.run(command)
    assert.equal(0, code, command .. "\n" .. said)
    return M.read("routers/model.safetensors", "gate.weight")
  end

  --- Rows of length 1 of the prompts' ids, which transformers has told, given as data.
  it("has the gates that its prompts' tokens give, without and with what is not an expert's own", function()
    M.write("ids1.jsonl", "[1,325,680,1210]\n")
    M.write("ids2.jsonl", "[1,748,444,521,1670,1974,403,444,341,1957]\n[1,1999,1441]\n")
    M.write("other.jsonl", "[1,1960,1960,1960]\n")
    for mode, words in pairs { hidden = "hidden --prompts last", hidden_last = "hidden --prompts last", hidden_avg = "hidden --prompts each", cheap_embed = "embed" } do
      M.write("mixture.yml", head:format(PICO, mode) .. kjv:format(PICO) .. py:format(PICO):gsub("  negative[^\n]*\n", ""))
      local ours = routers "moonweld mixture.yml -o routers --force --quiet"
      local typed = ("moonweld moe --base %sbase --experts %skjv %spy --gates %s --data ids1.jsonl ids2.jsonl --dtype f32 -o routers --force --quiet"):format(PICO, PICO, PICO, words)
      assert.same(routers(typed), ours)
      M.write("mixture.yml", head:format(PICO, mode) .. kjv:format(PICO) .. py:format(PICO))
      assert.not_same(ours, routers "moonweld mixture.yml -o routers --force --quiet")
      local lengths = 0
      for _, x in pairs(M.read("routers/model.safetensors", "gate.weight")) do lengths = lengths + (#x == 320 and 1 or 0) end
      assert.equal(5, lengths)
    end
  end)

  it("becomes a recipe that gives the same bytes", function()
    M.write("mixture.yml", head:format(PICO, "hidden") .. kjv:format(PICO) .. py:format(PICO))
    M.run "moonweld mixture.yml -o routers --force --quiet"
    local first = select(2, M.run "sha256sum < routers/model.safetensors")
    local _, text = M.run "moonweld convert mixture.yml"
    M.write("mixture.lua", text)
    local command = text:match("^%-%- (moonweld [^\n]*) %-o OUT")
    assert(text:find('{ "und so weiter, und so fort", "NAME" }, -- line 8:21: positive_prompts', 1, true) and text:find("{},", 1, true), text)
    local code, said = M.run(command .. " -o again --force --quiet")
    assert.equal(0, code, said)
    assert.equal(first, select(2, M.run "sha256sum < again/model.safetensors"))
  end)

  it("has a layout by its models, its shared expert and that one's prompts", function()
    local shared = "shared_experts:\n- source_model: %sman\n"
    for more, name in pairs { [""] = "block_sparse_moe.gate", [shared:format(PICO)] = "mlp.shared_experts.up_proj",
      [shared:format(PICO) .. "  positive_prompts: [NAME]\n"] = "mlp.shared_expert_gate", ["architecture: deepseek\n"] = "mlp.experts.0.up_proj",
      ["architecture: DeepSeek MoE\n"] = "mlp.experts.0.up_proj", [shared:format(PICO) .. "  positive_prompts: [NAME]\narchitecture: Qwen MoE\n"] = "mlp.shared_expert_gate" } do
      M.write("mixture.yml", head:format(PICO, "cheap_embed") .. kjv:format(PICO) .. py:format(PICO) .. more)
      local code, said = M.run "moonweld mixture.yml -o routers --force --quiet"
      assert.equal(0, code, more .. said)
      name = "model.layers.0." .. name .. ".weight"
      assert(M.read("routers/model.safetensors", name)[name], more)
    end
  end)

  it("is refused with its line where prompts are missing or all the same", function()
    local function said(text, ...)
      M.write("mixture.yml", text)
      M.refused("moonweld mixture.yml --force", ...)
    end
    said(head:format(PICO, "hidden") .. kjv:format(PICO) .. ("- source_model: %spy\n"):format(PICO), "mixture.yml:7:3: gate_mode 'hidden' needs 'positive_prompts' of every expert")
    said(head:format(PICO, "hidden") .. kjv:format(PICO) .. kjv:format(PICO), "mixture.yml:8:21: the prompts of all experts are the same")
    said(head:format(PICO, "nearest") .. kjv:format(PICO) .. py:format(PICO), "mixture.yml:2:12: gate_mode is hidden, hidden_avg", "not 'nearest'")
    said("experts_per_token: 3\n" .. head:format(PICO, "hidden") .. kjv:format(PICO) .. py:format(PICO), "mixture.yml:1:20: 'experts_per_token' is 3, and there are 2 experts")
    said("architecture: llama\n" .. head:format(PICO, "hidden") .. kjv:format(PICO) .. py:format(PICO), "mixture.yml:1:15: architecture is mixtral, qwen, qwen3 or deepseek, not 'llama'")
    said(head:format(PICO, "hidden") .. kjv:format(PICO) .. py:format(PICO) ..
      "architecture: deepseek\nshared_experts:\n- source_model: x\n  positive_prompts: [x]\n", "a shared expert of deepseek has no gate")
    said(head:format(PICO, "hidden") .. kjv:format(PICO) .. "- source_model: x\n  positive_prompts: [[a]]\n", "mixture.yml:8:22: a prompt is a text, not a list")
  end)
end)
