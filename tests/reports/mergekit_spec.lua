--- Files of mergekit: what they make, against the numbers that mergekit's rules give, worked out here; what they are refused for.
-- Layer l of model a holds 8 + l, of b 32 + l, of c 64 + l; the embedding 100 and the final norm 200 more than the model's number.
package.path = "tests/reports/?.lua;" .. package.path
local M = require "models"

local config = '{"model_type": "llama", "torch_dtype": "float32", "num_hidden_layers": 4, "hidden_size": 2, "vocab_size": 3, "num_attention_heads": 1, "tie_word_embeddings": true}'

local function layered(depth, fill, prefix)
  prefix = prefix or "model."
  local tensors = { [prefix .. "embed_tokens.weight"] = { "F32", { 3, 2 }, fill + 100 }, [prefix .. "norm.weight"] = { "F32", { 2 }, fill + 200 } }
  for layer = 0, depth - 1 do
    tensors[("%slayers.%d.mlp.up.weight"):format(prefix, layer)] = { "F32", { 2, 2 }, fill + layer }
    tensors[("%slayers.%d.attn.q.weight"):format(prefix, layer)] = { "F32", { 2, 2 }, -(fill + layer) }
  end
  return tensors
end
for name, fill in pairs { a = 8, b = 32, c = 64 } do M.model(name, layered(4, fill), config) end
M.model("bare", layered(4, 64, ""), config)

local function run(text, more)
  M.write("file.yml", text)
  return "moonweld file.yml " .. (more or "")
end

--- What a file makes: the first value of mlp.up and attn.q of each layer, then those of the embedding and the norm.
local function made(text, more)
  local tensors, said = M.made(run(text, more))
  local parts, layer = {}, 0
  while tensors[("model.layers.%d.mlp.up.weight"):format(layer)] do
    for _, part in ipairs { "mlp.up", "attn.q" } do parts[#parts + 1] = ("%g"):format(tensors[("model.layers.%d.%s.weight"):format(layer, part)][1]) end
    layer = layer + 1
  end
  parts[#parts + 1] = ("%g %g"):format(tensors["model.embed_tokens.weight"][1], tensors["model.norm.weight"][1])
  return table.concat(parts, " "), said, tensors
end

--- The same of weights w for a and b (and c), as f(part, layer): part is "mlp", "attn" or nil outside of the layers.
local function sums(f, layers)
  local fills, parts = { 8, 32, 64 }, {}
  local function add(value_of, part, layer)
    local sum, weights = 0, table.pack(f(part, layer))
    for k = 1, weights.n do sum = sum + weights[k] * value_of(fills[k]) end
    parts[#parts + 1] = ("%g"):format(sum)
  end
  for layer = 0, (layers or 4) - 1 do
    add(function(fill) return fill + layer end, "mlp", layer)
    add(function(fill) return -(fill + layer) end, "attn", layer)
  end
  add(function(fill) return fill + 100 end)
  add(function(fill) return fill + 200 end)
  return table.concat(parts, " ")
end

local two = "models:\n- model: a\n  parameters: {weight: %s}\n- model: b\n  parameters: {weight: %s}\nmerge_method: linear\n"

describe("a mergekit file", function()
  it("means its weights, divided by their sum unless normalize is off", function()
    assert.equal(sums(function() return 0.25, 0.75 end), (made(two:format("0.5", "1.5"))))
    assert.equal(sums(function() return 0.5, 1.5 end), (made(two:format("0.5", "1.5") .. "parameters: {normalize: off}\n")))
    assert.equal(sums(function() return 0.5, 0.5 end), (made("models:\n- {model: a}\n- {model: b}\nmerge_method: linear\nparameters: {weight: 1e-1}\n")))
  end)

  it("lists a model twice, and both count; a base of linear is a model like others", function()
    assert.equal(sums(function() return 0.75, 0.25 end), (made("models:\n- &x {model: a, parameters: {weight: .25}}\n- {<<: *x, parameters: {weight: 0.5}}\n" ..
      "- {model: b, parameters: {weight: '0.25'}}\nmerge_method: linear\n")))
    assert.equal(sums(function() return 0.5, 0.5 end), (made("models:\n- {model: a}\nbase_model: b\nmerge_method: linear\nparameters: {weight: 2}\n")))
  end)

  it("has gradients over the layers: the first value outside of them", function()
    local depth = { [0] = 0, 0.25 * 2 / 3, 0.25 + 0.5 / 3, 0.75 } -- {0, 0.25, 0.75} at layers 0 to 3 of 4: x = 0, 2/3, 4/3, 2
    local text = "models:\n- {model: b}\nbase_model: a\nmerge_method: slerp\nparameters:\n  t: [0, 0.25, 0.75]\n"
    assert.equal(sums(function(_, layer) local t = layer and depth[layer] or 0 return 1 - t, t end), (made(text)))
    -- texts, as 1e-1 is one, are numbers of a gradient like others
    assert.equal(sums(function(_, layer) local t = 0.25 + (layer or 0) / 3 * 0.25 return 1 - t, t end),
      (made("models:\n- {model: b}\nbase_model: a\nmerge_method: slerp\nparameters:\n  t: [2.5e-1, '0.5']\n")))
  end)

  it("has filters, the first that is a part of the name; what none matches goes on to the next place", function()
    local text = [[
slices:
- sources:
  - {model: a, layer_range: [0, 4]}
  - model: b
    layer_range: [0, 4]
    parameters:
      weight: [{filter: up, value: 0.5}]
  parameters:
    weight: [{filter: layers.1, value: 0.25}, {filter: embed, value: [0.125, 9]}]
merge_method: task_arithmetic
base_model: a
parameters: {weight: 1, lambda: 0.5}
]]
    assert.equal(sums(function(part, layer)
      local w = part == "mlp" and 0.5 or layer == 1 and 0.25 or 1
      return 1 - w / 2, w / 2
    end):gsub("%S+ %S+$", ("%g %g"):format(108 + 24 * 0.125 / 2, 208 + 24 / 2)), (made(text)))
    assert.truthy(M.refused(run((text:gsub("parameters: {weight: 1, lambda: 0.5}\n$", "")))):find("file%.yml:7:%d+: weight: tensor 'model%.layers%.0%.attn%.q%.weight' gets no 'weight'"))
  end)

  it("has truth values by filters and over depth, which do not mix; a share that sce takes by filters", function()
    local text = "models:\n- {model: a, parameters: {weight: 0.5}}\n- {model: b, parameters: {weight: 1.5}}\nmerge_method: linear\nparameters:\n  normalize: %s\n"
    assert.equal(sums(function(part) if part == "mlp" then return 0.5, 1.5 end return 0.25, 0.75 end),
      (made(text:format("[{filter: mlp, value: off}, {filter: attn, value: []}]")))) -- an empty list says nothing
    assert.equal(sums(function(_, layer) if layer and layer < 3 then return 0.5, 1.5 elseif layer then return 0.25, 0.75 end return 0.5, 1.5 end),
      (made(text:format("[no, 1]"))))
    assert.truthy(M.refused(run(text:format("[0, 0.5]"))):find("file.yml:6:18: 'normalize' is true or false, not '0.5'", 1, true))
    local d, e = 24, 56 -- deltas of b and c, weighed by their squares
    local all = (d ^ 3 + e ^ 3) / (d ^ 2 + e ^ 2)
    local line = made("models: [{model: b}, {model: c}]\nbase_model: a\nmerge_method: sce\nparameters: {select_topk: [{filter: mlp, value: 0}, {value: [1, 0]}]}\n")
    -- of the 4 equal elements the first stays where 4, 2 or 1 are taken, and not where 0 are
    assert.equal(("8 %g 9 %g 10 %g 11 -11 %g %g"):format(-8 - all, -9 - all, -10 - all, 108 + all, 208 + all), line)
  end)

  it("stacks slices: the gradient begins again, one layer has its last value; names of a model have its own numbers", function()
    local text = [[
slices:
- sources: [{model: a, layer_range: [1, 3]}, {model: b, layer_range: [0, 2]}]
  parameters: {t: [0, 1]}
- sources: [{model: b, layer_range: [3, 4]}, {model: a, layer_range: [2, 3]}]
  parameters: {t: [0, {filter: x, value: 1}]}
merge_method: slerp
base_model: a
]]
    assert.truthy(M.refused(run(text)):find("file.yml:5:19: 't' mixes numbers and filters in one list", 1, true))
    -- layers: a1, b1, and at t = 1 of base a2 the last: b3; the embedding at t = 0 of the first slice: a's; the norm of the second's: a's
    assert.equal("9 -9 33 -33 35 -35 108 208", (made((text:gsub("%[0, {filter: x, value: 1}%]", "[0, 1]")))))
    -- t is of the whole: its filter sees layer 2 of the result; scale is a model's: its filter sees the model's layer 3
    assert.equal("9 -9 33 -33 35 -35 108 208", (made((text:gsub("{t: %[0, {filter: x, value: 1}%]}", "{t: [{filter: layers.2, value: 1}, {value: 0}]}")))))
    assert.equal("8 -8 70 -70 108 232", (made([[
slices:
- sources: [{model: a, layer_range: [0, 1]}]
- sources: [{model: b, layer_range: [3, 4], parameters: {scale: [{filter: layers.3, value: 2}]}}]
merge_method: passthrough
]])))
  end)

  it("may have documents that use each other, in any order; one with a dtype of few bits rounds", function()
    local text = [[
models: [{model: first, parameters: {weight: 1}}]
merge_method: linear
dtype: float32
---
# an empty document is skipped
---
name: first
models: [{model: a, parameters: {weight: 511}}, {model: c, parameters: {weight: 1}}]
merge_method: linear
parameters: {normalize: true}
dtype: %s
]]
    local exact, rounded = made(text:format("float32")), made(text:format("bfloat16"))
    assert.equal("8.10938 -8.10938", exact:match("^%S+ %S+")) -- 8 + 56 / 512
    assert.equal("8.125 -8.125", rounded:match("^%S+ %S+"))   -- bf16 has steps of 1/16 there
    -- without a type of its own the result has that of the documents which it is made of
    for dtype, letters in pairs { float16 = "F16", bfloat16 = "BF16" } do
      local _, _, tensors = made((text:gsub("dtype: float32\n", "", 1):format(dtype)))
      assert.equal(letters, tensors["model.norm.weight"].dtype)
    end
    local circle = "name: x\nmodels: [{model: y}]\nmerge_method: passthrough\n---\nname: y\nmodels: [{model: x}]\nmerge_method: passthrough\n"
    for said, bad in pairs {
      ["file.yml:1:7: the documents x -> y -> x use each other in a circle"] = circle .. "---\nmodels: [{model: x}]\nmerge_method: passthrough\n",
      ["file.yml:1:1: the documents 'x', 'y' use each other in a circle, so none is the result"] = circle,
      ["two documents are called 'x', here and in line 1"] = "name: x\nmodels: [{model: a}]\nmerge_method: passthrough\n---\nname: x\nmodels: [{model: a}]\nmerge_method: passthrough\n",
      ["two documents have no 'name', the other in line 1"] = "models: [{model: a}]\nmerge_method: passthrough\n---\nmodels: [{model: a}]\nmerge_method: passthrough\n",
      ["'x' and 'y' are results"] = "name: x\nmodels: [{model: a}]\nmerge_method: passthrough\n---\nname: y\nmodels: [{model: a}]\nmerge_method: passthrough\n",
    } do
      local line = M.refused(run(bad))
      assert(line:find(said, 1, true), line)
    end
  end)

  it("reads models whose names lack a beginning; writes config.json, the file itself, and what it was made of", function()
    local line, said, tensors = made("models:\n- {model: a, parameters: {weight: 0.5}}\n- {model: bare, parameters: {weight: 0.5}}\nmerge_method: linear\ndtype: float32\nout_dtype: bfloat16\n")
    assert.equal("36 -36", line:match("^%S+ %S+"))
    assert.equal("BF16", tensors["model.norm.weight"].dtype)
    local out = said:match "(out%d+): "
    assert.equal(M.bytes "file.yml", M.bytes(out .. "/mergekit_config.yml"))
    assert.truthy(M.bytes(out .. "/config.json"):find('"torch_dtype": "bfloat16"', 1, true))
    assert.truthy(M.bytes(out .. "/README.md"):find("mergekit = [[", 1, true))
    for i, ending in ipairs { "models: [{model: a}]", "models: [{model: a}] # ]]", "models: [{model: a}] # ]=", "models: [{model: a}] # ]] ]=]" } do -- without a line's end
      M.write("ends.yml", "merge_method: passthrough\n" .. ending)
      local code, told = M.run("moonweld ends.yml -o ends" .. i)
      assert.equal(0, code, told)
      assert.equal(M.bytes "ends.yml", M.bytes("ends" .. i .. "/mergekit_config.yml"))
    end
  end)

  it("has keys that mergekit ignores: they are named and change nothing, or are errors with --strict", function()
    local text = two:format("0.5", "0.5") .. "dype: float16\nint8_mask: true\nparameters: {density: 1}\n"
    local plain, said = made(text)
    assert.equal(sums(function() return 0.5, 0.5 end), plain)
    for _, part in ipairs { "file.yml:7:1: 'dype' is no key of a configuration", "did you mean 'dtype'?", "'int8_mask' is no key", "'density' is no key of the parameters of linear" } do
      assert(said:find(part, 1, true), said)
    end
    assert.truthy(M.refused(run(text, "--strict")):find("file.yml:7:1: 'dype'", 1, true))
  end)

  it("says which tokenizer and template the result has, as words of the command line", function()
    M.write("words.yml", "models: [{model: a}, {model: b}]\nmerge_method: linear\nbase_model: a\nparameters: {weight: 1}\nchat_template: \"{{ x }}\\n{% y %} it's\"\n" ..
      "tokenizer: {source: b, tokens: {z: {source: {kind: zero}, force: true}, q: {source: {kind: model_token, model: b, token_id: 3}}}, pad_to_multiple_of: 8}\n")
    local _, said = M.run "moonweld convert words.yml"
    local first = said:match "^[^\n]*"
    for _, part in ipairs { "--models a b --donor 'models[1]' ", "--tokenizer 'models[2]' ", "--pad-vocabulary 8", "--chat-template $'{{ x }}\\x0a{% y %} it\\x27s'",
      [[--tokens '{"z": {"source": {"kind": "zero"}, "force": true}, "q": {"source": {"kind": "model_token", "model": "models[2]", "token_id": 3}}}']] } do
      assert(first:find(part, 1, true), first)
    end
    M.write("words.yml", "models: [{model: a}, {model: b}]\nmerge_method: linear\nparameters: {weight: 1}\ntokenizer_source: union\n")
    _, said = M.run "moonweld convert words.yml"
    assert(said:find("--models a b --dtype widest --tokenizer union", 1, true), said) -- nobody's rows go first where there is no base
    M.write("words.yml", "slices:\n- sources: [{model: a, layer_range: [0, 2]}, {model: b, layer_range: [0, 2]}]\n- sources: [{model: b, layer_range: [0, 2]}, {model: c, layer_range: [0, 2]}]\n" ..
      "merge_method: linear\nparameters: {weight: 1}\ntokenizer_source: union\n")
    _, said = M.run "moonweld convert words.yml"
    assert(said:find("--stand-in 'embeddings:models[1]' 'embeddings:models[2]' 'heads:models[2]' 'heads:models[3]'", 1, true), said)
  end)

  it("may name files: then a gradient stands at its first value everywhere", function()
    M.safetensors("a+1.safetensors", layered(4, 8))
    M.safetensors("b@2.safetensors", layered(4, 32))
    local text = "models:\n- {model: a+1.safetensors}\n- {model: b@2.safetensors}\nbase_model: a+1.safetensors\nmerge_method: slerp\nparameters: {t: [0.25, 1]}\n"
    assert.equal(sums(function() return 0.75, 0.25 end), (made(text)))
  end)

  it("without a dtype has the least type that holds the models' own, tensor by tensor", function()
    local types = { { "BF16", "BF16", "BF16" }, { "F16", "BF16", "F32" }, { "BF16", "F32", "F32" }, { "F16", "F16", "F16" }, { "F32", "F64", "F64" }, { "F64", "F16", "F64" } }
    local a, b = {}, {}
    for i, case in ipairs(types) do a["t" .. i], b["t" .. i] = { case[1], { 2 }, 1 }, { case[2], { 2 }, 2 } end
    M.safetensors("wide_a.safetensors", a)
    M.safetensors("wide_b.safetensors", b)
    local tensors = M.made(run "models:\n- {model: wide_a.safetensors, parameters: {weight: 1}}\n- {model: wide_b.safetensors, parameters: {weight: 1}}\nmerge_method: linear\n")
    for i, case in ipairs(types) do assert.same({ case[3], 1.5 }, { tensors["t" .. i].dtype, tensors["t" .. i][1] }) end
    -- a document that rounds counts as what it rounds to, whatever it is made of
    local documents = "name: rounded\nmodels: [{model: wide_a.safetensors}]\nmerge_method: passthrough\ndtype: bfloat16\n---\n" ..
      "models:\n- {model: rounded, parameters: {weight: 1}}\n- {model: wide_b.safetensors, parameters: {weight: 1}}\nmerge_method: linear\n"
    tensors = M.made(run(documents))
    for i, letters in ipairs { "BF16", "BF16", "F32", "F32", "F64", "F32" } do assert.equal(letters, tensors["t" .. i].dtype) end
  end)

  it("may have whole numbers by filters, not over depth", function()
    local files = {}
    for i, x in ipairs { { 1, 0, 0 }, { 0, 1, 0 }, { 1, 1, 5 } } do
      files[i] = ("whole%d.safetensors"):format(i)
      M.safetensors(files[i], { ["a.mlp"] = { "F32", { 3 }, x }, ["b.attn"] = { "F32", { 3 }, x }, ["c.norm"] = { "F32", { 3 }, x } })
    end
    local text = ("merge_method: karcher\nmodels:\n- model: %s\n- model: %s\n- model: %s\nparameters:\n"):format(table.unpack(files))
    local function with(value) return (M.made(run(text .. "  max_iter: " .. value .. "\n"))) end
    local one, second, ten, varied = with("1"), with("2"), with("10"), with("[{filter: mlp, value: 1}, {filter: attn, value: 2}]")
    assert.not_same(one["a.mlp"], ten["a.mlp"])
    assert.not_same(second["b.attn"], ten["b.attn"])
    assert.same({ one["a.mlp"], second["b.attn"], ten["c.norm"] }, { varied["a.mlp"], varied["b.attn"], varied["c.norm"] })
    assert.same(one, with("[1, 20]")) -- no tensor of a file is in a layer
    assert.same({ one["a.mlp"], ten["b.attn"] }, (function(x) return { x["a.mlp"], x["b.attn"] } end)(with("[{filter: mlp, value: [1, 5]}, {value: [10, 2]}]")))
    local folders = "merge_method: karcher\nmodels: [{model: none/a}, {model: none/b}]\nparameters:\n  max_iter: "
    M.refused(run(folders .. "[1, 20]\n"), "file.yml:4:14: 'max_iter' is a whole number: it has filters, but is not mixed over depth")
    M.refused(run(folders .. "[20, 20]\n"), "file.yml:2:18: model: 'none/a'")
    M.refused(run(text .. "  max_iter: {filter: mlp, value: 1.5}\n"), "'max_iter' is a whole number, not '1.5'")
  end)

  it("merges the parts of a model by themselves; what it does not name stays the donor's", function()
    local seeing = '{"model_type": "seeing", "text_config": {"num_hidden_layers": 3, "hidden_size": 2}, "vision_config": {"num_hidden_layers": 2}}'
    local function parted(fill)
      local tensors = { ["language_model.model.embed_tokens.weight"] = { "F32", { 3, 2 }, fill + 100 }, ["language_model.model.norm.weight"] = { "F32", { 2 }, fill + 200 },
        ["vision_tower.post_layernorm.weight"] = { "F32", { 2 }, fill + 300 }, ["multi_modal_projector.linear.weight"] = { "F32", { 2, 2 }, fill + 400 } }
      for layer = 0, 2 do tensors[("language_model.model.layers.%d.mlp.up.weight"):format(layer)] = { "F32", { 2, 2 }, fill + layer } end
      for layer = 0, 1 do tensors[("vision_tower.encoder.layers.%d.mlp.fc1.weight"):format(layer)] = { "F32", { 2, 2 }, fill + layer } end
      return tensors
    end
    M.model("eye", parted(1000), seeing)
    M.model("lip", parted(2000), seeing)
    local text = [[
merge_method: linear
parameters: {weight: 1}
modules:
  text_decoder:
    slices:
    - sources: [{model: eye, layer_range: [0, 2]}, {model: lip, layer_range: [1, 3], parameters: {weight: 3}}]
%s  vision_tower:
    models: [{model: eye, parameters: {weight: [1, 0]}}, {model: lip, parameters: {weight: [0, 1]}}]
]]
    local function first(tensors)
      local values = {}
      for name, tensor in pairs(tensors) do values[#values + 1] = ("%s %g"):format(name:gsub("^language_model%.model%.", ""), tensor[1]) end
      table.sort(values)
      return values
    end
    local fewer, _, out = M.made(run(text:format "")) -- text: (eye + 3 lip) / 4; the projector is eye's, whom the file names first
    assert.same({ "embed_tokens.weight 1850", "layers.0.mlp.up.weight 1750.75", "layers.1.mlp.up.weight 1751.75", "multi_modal_projector.linear.weight 1400",
      "norm.weight 1950", "vision_tower.encoder.layers.0.mlp.fc1.weight 1000", "vision_tower.encoder.layers.1.mlp.fc1.weight 2001",
      "vision_tower.post_layernorm.weight 1300" }, first(fewer))
    assert.truthy(M.bytes(out .. "/config.json"):find('"text_config": {"num_hidden_layers": 2, "hidden_size": 2}, "vision_config": {"num_hidden_layers": 2}', 1, true))
    local more, _, longer = M.made(run(text:format "    - sources: [{model: lip, layer_range: [0, 3]}]\n"))
    assert.equal(2002, more["language_model.model.layers.4.mlp.up.weight"][1])
    assert.equal(2200, more["language_model.model.norm.weight"][1])
    assert.truthy(M.bytes(longer .. "/config.json"):find('"text_config": {"num_hidden_layers": 5', 1, true))
    M.refused(run((text:format(""):gsub("vision_tower", "vision"))), "file.yml:8:22: model: eye has no part 'vision': it has 'multi_modal_projector', 'text_decoder', 'vision_tower'")
    M.refused(run((text:format(""):gsub("eye", "a"):gsub("lip", "b"))), "a has no part 'text_decoder': it has one alone")
    M.refused(run((text:format(""):gsub("vision_tower", "default"))), "file.yml:7:3: 'default' is the whole model, and stands alone")
    M.refused(run "merge_method: linear\nmodules: {}\n", "file.yml:2:10: 'modules' has none")
    M.refused(run "merge_method: passthrough\nslices: [{sources: [{model: eye, layer_range: [0, 2]}]}]\n", "has several stacks of layers", "'modules:' with 'text_decoder'")
  end)

  it("of a mixture of experts is the recipe moe", function()
    local text = "base_model: a\ngate_mode: %s\nexperts_per_token: 1\nexperts:\n- source_model: b\n  positive_prompts: [x]\n- source_model: c\n%s"
    M.write("experts.yml", text:format("random", "") .. "dtype: bfloat16\n")
    local code, said = M.run "moonweld convert experts.yml"
    assert.equal(0, code)
    for _, part in ipairs { "return moe {", "experts = { b, c },", "per_token = 1,", "spread = 1,", "--models a b c --donor 'models[1]' --dtype bf16" } do
      assert(said:find(part, 1, true), said)
    end
    M.write("experts.yml", text:format("random", "  noise_scale: 0.25\n  residual_scale: 5e-1\n"))
    said = select(2, M.run "moonweld convert experts.yml")
    assert(said:find('experts = { b, ((c + 0.25 * c:normal(a.seed:at(1))) * pick{ {"*.down_proj.weight", 0.5}, 1 }):unweighed() },', 1, true), said)
  end)

  it("of a mixture of experts scales what an expert adds, and gives it noise of that deviation", function()
    local function dense(fill)
      local tensors = { ["model.embed_tokens.weight"] = { "F32", { 3, 8 }, fill }, ["model.norm.weight"] = { "F32", { 8 }, fill }, ["lm_head.weight"] = { "F32", { 3, 8 }, fill } }
      for name, shape in pairs { ["mlp.gate_proj"] = { 64, 8 }, ["mlp.up_proj"] = { 64, 8 }, ["mlp.down_proj"] = { 8, 64 }, ["self_attn.q_proj"] = { 8, 8 }, ["self_attn.k_proj"] = { 8, 8 } } do
        tensors["model.layers.0." .. name .. ".weight"] = { "F32", shape, fill }
      end
      return tensors
    end
    local dense_config = config:gsub('"num_hidden_layers": 4, "hidden_size": 2', '"num_hidden_layers": 1, "hidden_size": 8')
    for name, fill in pairs { dense_a = 1, dense_b = 2 } do M.model(name, dense(fill), (dense_config:gsub('"tie_word_embeddings": true', '"tie_word_embeddings": false'))) end
    local tensors = M.made(run("base_model: dense_a\ngate_mode: random\nexperts:\n- {source_model: dense_b, residual_scale: 0.5}\n- {source_model: dense_b, noise_scale: 0.25}\n"))
    local function spread(name, about)
      local x, sum = tensors["model.layers.0.block_sparse_moe.experts." .. name .. ".weight"], 0
      for _, value in ipairs(x) do sum = sum + (value - about) ^ 2 end
      return math.sqrt(sum / #x)
    end
    assert.equal(0.0, spread("0.w1", 2))
    assert.equal(0.0, spread("0.w2", 1))
    for _, part in ipairs { "1.w1", "1.w2", "1.w3" } do assert(math.abs(spread(part, 2) - 0.25) < 0.05) end
  end)

  it("is a text in UTF-8: whatever ends its lines, and with or without a mark before it", function()
    local text = two:format("0.5", "0.5")
    for _, other in ipairs { "\xEF\xBB\xBF" .. text, (text:gsub("\n", "\r\n")), (text:gsub("\n", "\r")) } do
      assert.equal(sums(function() return 0.5, 0.5 end), (made(other)))
    end
    for said, bad in pairs {
      ["file.yml:7:4: no YAML: "] = text .. "# \xC3\xA9\xE9",
      ["file.yml:7:1: no YAML: control characters"] = text .. "\0",
      ["file.yml:1:1: no YAML: "] = "\xFF\xFEm\0o\0d\0e\0l\0s\0",
    } do M.refused(run(bad), said, "UTF-8") end
  end)

  it("is what errors and warnings are told by: its lines, and its names of models", function()
    M.refused(run(two:format("0.5", "0.5") .. "tokenizer_source: none/such\n"), "file.yml:7:19: 'none/such'")
    M.write("chatty/chat_template.jinja", "{{ messages }}")
    M.model("chatty", layered(4, 8), config)
    local _, said = made("models:\n- {model: a, parameters: {weight: 1}}\n- {model: chatty, parameters: {weight: 1}}\nmerge_method: linear\n")
    assert(said:find("chatty has a chat template, which a lacks", 1, true), said)
  end)

  it("is what an error of the whole result is told by: its slices", function()
    local untied = config:gsub('"tie_word_embeddings": true', '"tie_word_embeddings": false')
    for name, rows in pairs { low = 3, high = 4 } do
      local tensors = layered(4, 8)
      tensors["lm_head.weight"] = { "F32", { rows, 2 }, 1 }
      tensors["model.embed_tokens.weight"] = { "F32", { rows, 2 }, 1 }
      M.model(name, tensors, (untied:gsub('"vocab_size": 3', '"vocab_size": ' .. rows)))
    end
    M.refused(run("merge_method: passthrough\nslices:\n- sources: [{model: low, layer_range: [0, 1]}]\n- sources: [{model: high, layer_range: [0, 1]}]\n"),
      "file.yml:2:1: slices: the result: ", "tokenizer: {source: union}")
  end)

  it("takes mergekit's own options by name", function()
    M.write("file.yml", two:format("0.5", "0.5"))
    local code, told = M.run "moonweld file.yml as_there -j 1 -vv --no-copy-tokenizer --allow-crimes"
    assert.equal(0, code, told)
    assert(told:find("--verbose --copy-tokenizer --allow-crimes: ", 1, true), told)
    assert.equal(20.0, M.read "as_there/model.safetensors"["model.layers.0.mlp.up.weight"][1])
    code, told = M.run "moonweld plan file.yml -j1 -I stages"
    assert.equal(0, code, told)
    assert.equal(nil, told:find("-j", 1, true), told)
    local line, said = made(two:format("0.5", "0.5"), "--out-shard-size 40B --cuda --lazy-unpickle --random-seed=3")
    assert.equal(sums(function() return 0.5, 0.5 end), line)
    assert(said:find("--cuda --lazy-unpickle: ", 1, true), said)
  end)
end)
