--- Recipes that return adapter{...}: the factors under the names and in the shapes that peft has for them, adapter_config.json, and what is
-- refused. What is written, added to the base again, must be W + alpha / r * B A.
package.path = "tests/reports/?.lua;" .. package.path
local M, low_rank = require "models", require "low_rank"
local numbers, tensor, added, turned = low_rank.numbers, low_rank.tensor, low_rank.added, low_rank.turned

local UP, Q, CONV = "model.layers.0.up.weight", "model.layers.0.q.weight", "model.conv.weight"
local EMBED = "model.embed_tokens.weight"

local weights = { [UP] = tensor(1, 5, 4), [Q] = tensor(2, 6, 4), ["model.layers.1.up.weight"] = tensor(3, 5, 4), [EMBED] = tensor(4, 7, 4),
  [CONV] = tensor(5, 3, 2, 2, 2), ["model.norm.weight"] = tensor(6, 4) }
M.model("base", weights, '{"model_type": "toy", "num_hidden_layers": 2, "architectures": ["ToyForCausalLM"]}')
M.model("gpt", { ["h.0.attn.c_attn.weight"] = tensor(7, 4, 6), ["wte.weight"] = tensor(8, 7, 4) }, '{"model_type": "gpt2", "n_layer": 1}')

--- A file of factors: "A.NAME" and "B.NAME", of each { name, rank }; A has the shape of the weight but for its first dimension.
local written = 0
local function factors(list, from)
  local tensors = {}
  for i, entry in ipairs(list) do
    local shape = (from or weights)[entry[1]][2]
    tensors["A." .. entry[1]] = tensor(20 + i, entry[2], table.unpack(shape, 2))
    tensors["B." .. entry[1]] = tensor(40 + i, shape[1], entry[2])
  end
  written = written + 1
  M.safetensors(("factors%d.safetensors"):format(written), tensors)
  return ("factors%d.safetensors"):format(written), tensors
end

local function recipe(body)
  M.write("made.lua", 'return recipe { "A test.", arg.model("base", "the base"), arg.model("f", "factors"), function(a)\n' ..
    'local A, B = a.f:only("A.*"):rename("A.*", "*"), a.f:only("B.*"):rename("B.*", "*")\n' .. body .. "\nend }\n")
  return "moonweld ./made.lua --base "
end

--- The tensors, adapter_config.json and the folder of an adapter that was made.
local function made(body, list, base, more, from)
  local file = factors(list, from or base == "gpt" and { ["h.0.attn.c_attn.weight"] = tensor(7, 4, 6), ["wte.weight"] = tensor(8, 7, 4) } or nil)
  local out = "adapter" .. written
  local code, said = M.run(("%s%s --f %s -o %s %s"):format(recipe(body), base or "base", file, out, more or ""))
  assert.equal(0, code, said)
  return M.read(out .. "/adapter_model.safetensors"), M.bytes(out .. "/adapter_config.json"), out, M.read(file)
end

local function same(found, expected, shape)
  assert(found, "a tensor is missing")
  assert.equal(shape, found.shape)
  for i, value in ipairs(expected) do assert.equal(value, found[i], "element " .. i) end
end

local function says(text, ...)
  local flat = text:gsub("%s+", " ")
  for _, words in ipairs { ... } do assert(flat:find(words, 1, true), ("adapter_config.json lacks %s: %s"):format(words, flat)) end
end

describe("a recipe that returns an adapter", function()
  it("writes factors and adapter_config.json as peft has them, and nothing of the base's", function()
    local tensors, text, out, f = made("return adapter{ A = A, B = B, alpha = 6, base = a.base }", { { UP, 2 }, { Q, 2 } })
    same(tensors["base_model.model.model.layers.0.up.lora_A.weight"], f["A." .. UP], "2,4")
    same(tensors["base_model.model.model.layers.0.up.lora_B.weight"], f["B." .. UP], "5,2")
    same(tensors["base_model.model.model.layers.0.q.lora_B.weight"], f["B." .. Q], "6,2")
    local count = 0
    for _ in pairs(tensors) do count = count + 1 end
    assert.equal(4, count)
    says(text, '"peft_type": "LORA"', '"task_type": "CAUSAL_LM"', '"r": 2', '"lora_alpha": 6', '"base_model_name_or_path": "base"',
      '"target_modules": [ "model.layers.0.q", "model.layers.0.up" ]', '"fan_in_fan_out": false', '"bias": "none"')
    assert.is_nil(text:find("pattern", 1, true))
    local _, listed = M.run("ls " .. out)
    assert.equal("README.md\nadapter_config.json\nadapter_model.safetensors\nmerge.lock.json\n", listed)
    assert.is_truthy(M.bytes(out .. "/README.md"):find("base_model_relation: adapter\nlibrary_name: peft", 1, true))
    local merged = M.made("moonweld soup --models base+" .. out)
    same(merged[UP], added(weights[UP][3], 3, f["B." .. UP], f["A." .. UP], 5, 2, 4), "5,4")
    same(merged[Q], added(weights[Q][3], 3, f["B." .. Q], f["A." .. Q], 6, 2, 4), "6,4")
    same(merged["model.layers.1.up.weight"], weights["model.layers.1.up.weight"][3], "5,4")
  end)

  it("names modules by the end of their names where that means no others", function()
    local _, text = made("return adapter{ A = A, B = B }", { { UP, 1 }, { "model.layers.1.up.weight", 1 }, { Q, 1 } })
    says(text, '"target_modules": [ "q", "up" ]', '"r": 1', '"lora_alpha": 1')
  end)

  it("keeps a rank of each module, and scales by 1 where no alpha is given", function()
    local list = { { UP, 2 }, { "model.layers.1.up.weight", 3 }, { Q, 2 } }
    local _, text, out, f = made("return adapter{ A = A, B = B }", list)
    says(text, '"r": 2', '"lora_alpha": 2', '"rank_pattern": { "model.layers.1.up": 3 }', '"alpha_pattern": { "model.layers.1.up": 3 }')
    local merged = M.made("moonweld soup --models base+" .. out)
    for _, entry in ipairs(list) do
      local name, rank = entry[1], entry[2]
      same(merged[name], added(weights[name][3], 1, f["B." .. name], f["A." .. name], weights[name][2][1], rank, 4), merged[name].shape)
    end
    _, text, out, f = made("return adapter{ A = A, B = B, alpha = 6 }", list)
    says(text, '"lora_alpha": 6')
    assert.is_nil(text:find("alpha_pattern", 1, true))
    local name = "model.layers.1.up.weight"
    same(M.made("moonweld soup --models base+" .. out)[name], added(weights[name][3], 2, f["B." .. name], f["A." .. name], 5, 3, 4), "5,4")
  end)

  it("has one rank for all modules of a mixture, whose patterns peft does not follow: what is narrower has zeros behind", function()
    local gate, w1 = "model.layers.0.moe.gate.weight", "model.layers.0.moe.experts.0.w1.weight"
    local mixture = { [gate] = tensor(11, 2, 4), [w1] = tensor(12, 5, 4) }
    M.model("mixture", mixture, '{"model_type": "toy", "num_hidden_layers": 1}')
    local list = { { gate, 2 }, { w1, 3 } }
    for alpha, scale in pairs { [""] = { 1, 1 }, [", alpha = 6"] = { 3, 2 } } do
      local tensors, text, out, f = made("return adapter{ A = A, B = B" .. alpha .. " }", list, "mixture", nil, mixture)
      says(text, '"r": 3', alpha == "" and '"lora_alpha": 3' or '"lora_alpha": 6')
      assert.is_nil(text:find("pattern", 1, true))
      assert.equal("3,4", tensors["base_model.model.model.layers.0.moe.gate.lora_A.weight"].shape)
      assert.equal("2,3", tensors["base_model.model.model.layers.0.moe.gate.lora_B.weight"].shape)
      local merged = M.made("moonweld soup --models mixture+" .. out)
      for i, entry in ipairs(list) do
        local name, rank = entry[1], entry[2]
        local expected = added(mixture[name][3], scale[i], f["B." .. name], f["A." .. name], mixture[name][2][1], rank, 4)
        for k, value in ipairs(expected) do assert(math.abs(value - merged[name][k]) < 1e-5, name) end
      end
    end
  end)

  it("writes embeddings, convolutions and GPT-2's Conv1D as their modules keep them", function()
    local tensors, _, out, f = made("return adapter{ A = A, B = B }", { { EMBED, 2 }, { CONV, 2 } })
    same(tensors["base_model.model.model.embed_tokens.lora_embedding_A"], turned(f["B." .. EMBED], 7, 2), "2,7")
    same(tensors["base_model.model.model.embed_tokens.lora_embedding_B"], turned(f["A." .. EMBED], 2, 4), "4,2")
    same(tensors["base_model.model.model.conv.lora_A.weight"], f["A." .. CONV], "2,2,2,2")
    same(tensors["base_model.model.model.conv.lora_B.weight"], f["B." .. CONV], "3,2,1,1")
    local merged = M.made("moonweld soup --models base+" .. out)
    same(merged[EMBED], added(weights[EMBED][3], 1, f["B." .. EMBED], f["A." .. EMBED], 7, 2, 4), "7,4")
    same(merged[CONV], added(weights[CONV][3], 1, f["B." .. CONV], f["A." .. CONV], 3, 2, 8), "3,2,2,2")

    local text
    tensors, text, out, f = made("return adapter{ A = A, B = B }", { { "h.0.attn.c_attn.weight", 2 } }, "gpt")
    says(text, '"fan_in_fan_out": true', '"target_modules": [ "c_attn" ]')
    same(tensors["base_model.model.h.0.attn.c_attn.lora_A.weight"], turned(f["B.h.0.attn.c_attn.weight"], 4, 2), "2,4")
    merged = M.made("moonweld soup --models gpt+" .. out)
    same(merged["h.0.attn.c_attn.weight"],
      added(numbers(24, 7), 1, f["B.h.0.attn.c_attn.weight"], f["A.h.0.attn.c_attn.weight"], 4, 2, 6), "4,6")
  end)

  it("takes what was computed or cut, in any dtype, and is made again from its lock", function()
    local tensors, _, out, f = made("return adapter{ A = A:only(" .. ("%q"):format(Q) .. ") * 2, B = { [" .. ("%q"):format(Q) .. "] = a.base[" ..
      ("%q"):format(Q) .. "]:slice{ columns = {0, 2} } } }", { { Q, 2 } }, nil, "--dtype bf16")
    local a, b = {}, {}
    for i, value in ipairs(f["A." .. Q]) do a[i] = 2 * value end
    for row = 0, 5 do b[2 * row + 1], b[2 * row + 2] = weights[Q][3][4 * row + 1], weights[Q][3][4 * row + 2] end
    same(tensors["base_model.model.model.layers.0.q.lora_A.weight"], a, "2,4")
    same(tensors["base_model.model.model.layers.0.q.lora_B.weight"], b, "6,2")
    assert.equal("BF16", tensors["base_model.model.model.layers.0.q.lora_A.weight"].dtype)
    assert.equal(0, (M.run("moonweld verify " .. out .. " --inputs && moonweld rebuild " .. out .. " -o again")))
    assert.equal(M.bytes(out .. "/adapter_config.json"), M.bytes "again/adapter_config.json")
  end)

  it("may be made of what an adapter changes alone", function()
    local _, _, one = made("return adapter{ A = A, B = B }", { { UP, 2 } })
    M.write("part.lua", 'return recipe { "A test.", arg.model("base", "the base"), arg.adapters("adapters", "of it"), function(a)\n' ..
      'for _, name in ipairs(a.adapters[1]:adapted():names()) do print(name) end\nprint(#a.base:adapted():names())\n' ..
      "return a.adapters[1]\nend }\n")
    local _, said = M.run("moonweld ./part.lua --base base --adapters " .. one .. " -o part")
    assert.is_truthy(said:find("recipe: " .. UP .. "\nrecipe: 0\n", 1, true), said)
    M.write("part.lua", 'return recipe { "A test.", arg.model("base", "the base"), function(a) return (2 * a.base):adapted() end }\n')
    M.refused("moonweld ./part.lua --base base", "'adapted' is of a model that was given, not of one that was computed")
  end)

  it("is planned as an adapter", function()
    local file = factors { { UP, 2 } }
    local _, said = M.run((recipe("return adapter{ A = A, B = B }"):gsub("^moonweld", "moonweld plan")) .. "base --f " .. file)
    assert.is_truthy(said:find("donor         base (the adapter's base)", 1, true), said)
    assert.is_truthy(said:find('adapter       {"bias":"none"', 1, true), said)
    assert.is_truthy(said:find("adapter_model.safetensors", 1, true), said)
  end)

  it("is refused where factors do not make a change of the base's weights", function()
    local file = factors { { UP, 2 }, { Q, 3 } }
    local function refused(body, ...) return M.refused(recipe(body) .. "base --f " .. file, ...) end
    refused("return adapter{ A = A, B = B:only('*.up.*') }", "tensor 'model.layers.0.q.weight' has a factor A without B")
    refused("return adapter{ A = A:only('*.up.*'), B = B }", "tensor 'model.layers.0.q.weight' has a factor B without A")
    refused("return adapter{ A = { ['" .. Q .. "'] = A['" .. UP .. "'] }, B = { ['" .. Q .. "'] = B['" .. Q .. "'] } }",
      "tensor 'model.layers.0.q.weight' of [6,4] has no adapter of A [2,4] and B [6,3]: A is [rank, in] and B is [out, rank]")
    refused("return adapter{ A = A:rename('*.up.*', '*.down.*'), B = B:rename('*.up.*', '*.down.*') }", "the base has no tensor 'model.layers.0.down.weight'")
    refused("local n = { ['model.norm.weight'] = A['" .. UP .. "'] } return adapter{ A = n, B = n }", "'model.norm.weight' is no weight of two or more dimensions")
    refused("return adapter{ A = A, B = B, alpha = A['" .. UP .. "']:norm() }", "alpha of adapter{...} is a plain number, not a lazy scalar")
    refused("return adapter{ A = A, B = B, scale = 2 }", "there is no option 'scale' here")
    refused("return adapter{ A = A, B = 3 }", "B of adapter{...} is a number, not a model or a table of tensors")
    refused("return adapter{ A = A, B = B, base = a.f }", "base of adapter{...} is f, but the donor is base")
    refused("return adapter{ A = A, B = B, base = 2 * a.base - a.base }", "an adapter is of one that was given")
    refused("return adapter{ A = A, B = B } + a.base", "an adapter cannot be computed with")
    local _, _, out = made("return adapter{ A = A, B = B }", { { UP, 2 } })
    M.refused(recipe "return adapter{ A = A, B = B }" .. "base+" .. out .. " --f " .. file, "an adapter of a model with an adapter",
      "moonweld passthrough --model base+" .. out)
    local code, said = M.run(recipe "return adapter{ A = A, B = B }" .. "base --f " .. file .. " -o lone.safetensors")
    assert.equal(64, code)
    assert.is_truthy(said:find("an adapter needs adapter_config.json beside its tensors", 1, true), said)
    assert.is_nil(M.bytes "lone.safetensors")
  end)
end)

--- Adapters that are made by functions of matrices. Expected values are sums in plain Lua; a cut that loses nothing must give them back.
describe("recipes that make adapters", function()
  local function near(found, expected, bound)
    assert.equal(#expected, #found)
    for i, value in ipairs(expected) do
      assert.is_true(math.abs(value - found[i]) <= bound, ("element %d: %.9g, expected %.9g"):format(i, found[i], value))
    end
  end
  local layers = { UP, Q, "model.layers.1.up.weight" }

  --- A fine-tune: the base and a change of that rank of each matrix of the layers; the norm and the embedding differ too.
  local function tuned(folder, rank, seed)
    local tensors = {}
    for name, w in pairs(weights) do tensors[name] = { w[1], w[2], table.move(w[3], 1, #w[3], 1, {}) } end
    for i, name in ipairs(layers) do
      local rows = weights[name][2][1]
      tensors[name][3] = added(weights[name][3], 1, numbers(rows * rank, seed + i), numbers(rank * 4, seed + 7 * i), rows, rank, 4)
    end
    tensors["model.norm.weight"][3][1] = 9
    tensors[EMBED][3][1] = 9
    M.model(folder, tensors, '{"model_type": "toy", "num_hidden_layers": 2, "architectures": ["ToyForCausalLM"]}')
    return tensors
  end

  it("lora_soup is the mean of products, of what any of the adapters changes", function()
    for number, seed in ipairs { 60, 80 } do
      tuned("tuned" .. number, 1, seed)
      local only = number == 2 and "*.up.weight" or "*layers*"
      assert.equal(0, (M.run(("moonweld extract_lora --base base --tuned tuned%d --rank 1 --dtype f32 --only '%s' -o one%d"):format(number, only, number))))
    end
    local code, said = M.run "moonweld lora_soup --base base --adapters one1 one2 --weight 1 3 --rank 2 -o both"
    assert.equal(0, code, said)
    local merged, wanted = M.made "moonweld soup --models base+both", M.made "moonweld soup --models base+one1 base+one2 --weight 1 3"
    for _, name in ipairs(layers) do near(merged[name], wanted[name], 1e-6) end
    says(M.bytes "both/adapter_config.json", '"r": 2')
    assert.equal(0, (M.run "moonweld verify both"))
  end)

  it("extract_lora takes all matrices of the layers, whatever they are called, and those that are named where they are", function()
    local H = "transformer.h.0."
    local function gpt(name, fill)
      M.model(name, { ["transformer.wte.weight"] = { "F32", { 6, 4 }, fill }, [H .. "attn.c_attn.weight"] = { "F32", { 4, 12 }, fill }, [H .. "attn.c_attn.bias"] = { "F32", { 12 }, fill },
        [H .. "mlp.c_fc.weight"] = { "F32", { 4, 8 }, fill }, [H .. "attn.relative_attention_bias.weight"] = { "F32", { 8, 2 }, fill },
        [H .. "ln_1.weight"] = { "F32", { 4 }, fill } }, '{"model_type": "toy", "num_hidden_layers": 1}')
    end
    gpt("before", 1)
    gpt("after", 3)
    local function changed(words, out)
      assert.equal(0, (M.run("moonweld extract_lora --base before --tuned after --rank 1 --dtype f32 " .. words .. " -o " .. out)))
      local names = {}
      for name, values in pairs((M.made("moonweld soup --models before+" .. out))) do if math.abs(values[1] - 3) < 1e-5 then names[#names + 1] = name end end
      table.sort(names)
      return names
    end
    assert.same({ H .. "attn.c_attn.weight", H .. "mlp.c_fc.weight" }, changed("", "extracted1"))
    assert.same({ H .. "mlp.c_fc.weight" }, changed("--only '*.c_fc.weight'", "extracted2"))
    assert.same({ "transformer.wte.weight" }, changed("--only '*wte.weight'", "extracted3"))
  end)
end)
