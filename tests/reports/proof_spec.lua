--- Proof that an output is the model that was planned and that it computes: each way in which it could fail to be one is provoked, and
-- is told of by its key and tensor, before anything is written where planning can know it. The old output stays.
package.path = "tests/reports/?.lua;" .. package.path
local M = require "models"
local mw = require "moonweld"

local keys = { model_type = '"llama"', num_hidden_layers = "2", hidden_size = "4", vocab_size = "6", num_attention_heads = "2", num_key_value_heads = "1",
  intermediate_size = "8", tie_word_embeddings = "false", torch_dtype = '"bfloat16"', architectures = '["LlamaForCausalLM"]' }

local function config(changes)
  local parts = {}
  for key, value in pairs(keys) do parts[#parts + 1] = ('"%s": %s'):format(key, changes and changes[key] or value) end
  for key, value in pairs(changes or {}) do if not keys[key] then parts[#parts + 1] = ('"%s": %s'):format(key, value) end end
  table.sort(parts)
  return "{" .. table.concat(parts, ", ") .. "}"
end

local shapes = { ["self_attn.q_proj"] = { 4, 4 }, ["self_attn.k_proj"] = { 2, 4 }, ["self_attn.v_proj"] = { 2, 4 }, ["self_attn.o_proj"] = { 4, 4 },
  ["mlp.gate_proj"] = { 8, 4 }, ["mlp.up_proj"] = { 8, 4 }, ["mlp.down_proj"] = { 4, 8 }, input_layernorm = { 4 }, post_attention_layernorm = { 4 } }

local function tensors(fill, dtype)
  local all = { ["model.embed_tokens.weight"] = { dtype or "BF16", { 6, 4 }, fill }, ["lm_head.weight"] = { dtype or "BF16", { 6, 4 }, fill + 1 },
    ["model.norm.weight"] = { dtype or "BF16", { 4 }, fill } }
  for layer = 0, 1 do
    for name, shape in pairs(shapes) do all[("model.layers.%d.%s.weight"):format(layer, name)] = { dtype or "BF16", shape, fill + layer } end
  end
  return all
end

local vocabulary = '{"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "c": 2, "d": 3, "e": 4}, "merges": []}, "added_tokens": [{"id": 5, "content": "<s>", "special": true}]}'
M.model("a", tensors(1), config(), { ["tokenizer.json"] = vocabulary })
M.model("b", tensors(2), config(), { ["tokenizer.json"] = vocabulary })

local function recipe(body)
  M.write("r.lua", 'return recipe { "A test.", arg.model("a", "a model"), arg.model("b", "another"), function(a)\n' .. body .. "\nend }\n")
  return "moonweld ./r.lua --a a --b b"
end

--- Refused, by planning and by a merge over an old output, which stays to the last byte.
local function refused(body, ...)
  local command = recipe(body)
  M.run "rm -rf old kept && moonweld lerp --a a --b b --t 0.5 -o old --quiet && cp -r old kept"
  for _, line in ipairs { command:gsub("moonweld", "moonweld plan", 1), command .. " -o old --force" } do
    local code, said = M.run(line)
    assert(code == 65, line .. ": exit " .. code .. ": " .. said)
    for _, words in ipairs { ... } do assert(said:find(words, 1, true), ("'%s' is not said in: %s"):format(words, said)) end
  end
  assert.equal(0, (M.run "diff -r old kept && ! ls -d old.partial-* 2> /dev/null && rm -rf kept"))
end

describe("config.json of a result that is wrong is refused before anything is written:", function()
  for key, case in pairs { num_hidden_layers = { "3", "num_hidden_layers: found 3, but the tensors have 2 layers" },
    hidden_size = { "8", "hidden_size: found 8, but 'model.embed_tokens.weight' has 4 columns" },
    vocab_size = { "7", "vocab_size: found 7, but 'model.embed_tokens.weight' has 6 rows" },
    intermediate_size = { "9", "intermediate_size: found 9, but 'model.layers.0.mlp.down_proj.weight' has 8 columns" },
    num_attention_heads = { "4", "num_key_value_heads * head_dim: found 1, but 'model.layers.0.self_attn.k_proj.weight' has 2 rows" },
    num_key_value_heads = { "2", "num_key_value_heads * head_dim: found 4, but 'model.layers.0.self_attn.k_proj.weight' has 2 rows" },
    head_dim = { "3", "num_key_value_heads * head_dim: found 3, but 'model.layers.0.self_attn.k_proj.weight' has 2 rows" },
    torch_dtype = { "'float16'", "the dtype is float16, but no tensor has it" },
    tie_word_embeddings = { "true", "tie_word_embeddings is true, but 'lm_head.weight' is not the embedding", 'm:except "lm_head.weight"' } } do
    it(key, function()
      refused(("return lerp(a.a, a.b, 0.5):with_config{%s = %s}"):format(key, case[1]), "the result: config.json: " .. case[2], case[3] or "m:with_config{...}")
    end)
  end

  it("a count that is none", function()
    refused("return lerp(a.a, a.b, 0.5):with_config{num_hidden_layers = -1}", "config.json of the result: num_hidden_layers: found -1, expected a whole number")
  end)

  it("a head that the configuration wants and the result has not", function()
    refused("return a.a:layers(0, 2):except 'lm_head.weight':with_config{tie_word_embeddings = false}", "tie_word_embeddings is false, but there is no 'lm_head.weight'")
  end)

  it("a width that the recipe changed, and did not say", function()
    refused([[local m = {}
      for name, t in pairs(a.a) do m[name] = #t.shape == 2 and name:match "mlp.up" and t:slice{rows = {0, 4}} or t end
      return a.a:with(m)]], "intermediate_size: found 8, but 'model.layers.0.mlp.up_proj.weight' has 4 rows")
  end)

  it("and what is right passes", function()
    M.made(recipe "return lerp(a.a, a.b, 0.5):with_config{head_dim = 2, rope_theta = 5e5}")
    M.made(recipe "return a.a:layers(0, 1)")
    M.made(recipe "return a.a:layers(0, 2):except 'lm_head.weight':with_config{tie_word_embeddings = true}")
    local tied = M.made(recipe "return a.a:with{['lm_head.weight'] = a.a['model.embed_tokens.weight']}:with_config{tie_word_embeddings = true}")
    assert.equal(tied["model.embed_tokens.weight"][1], tied["lm_head.weight"][1])
  end)
end)

describe("an input whose configuration is of another model is refused by its label:", function()
  for key, case in pairs { intermediate_size = { "9", "intermediate_size: found 9, but 'model.layers.0.mlp.down_proj.weight' has 8 columns" },
    num_key_value_heads = { "2", "num_key_value_heads * head_dim: found 4" }, head_dim = { "3", "num_key_value_heads * head_dim: found 3" } } do
    it(key, function()
      M.model("wrong", tensors(3), config { [key] = case[1] })
      M.refused("moonweld lerp --a a --b wrong --t 0.5", "b: config.json: " .. case[2])
    end)
  end

  it("an expert of Mixtral, the fused weights of Phi-3, the dense ones of Phi", function()
    local function model(kind, name, shape, more)
      local all = tensors(1)
      all["model.layers.0." .. name] = { "BF16", shape, 1 }
      more.model_type = '"' .. kind .. '"'
      M.model("wrong", all, config(more))
      return "moonweld passthrough --model wrong"
    end
    M.refused(model("mixtral", "block_sparse_moe.experts.3.w2.weight", { 4, 7 }, { num_local_experts = "4" }), "intermediate_size: found 8", "experts.3.w2.weight' has 7 columns")
    M.refused(model("mixtral", "block_sparse_moe.gate.weight", { 3, 4 }, { num_local_experts = "4" }), "num_local_experts: found 4", "gate.weight' has 3 rows")
    M.refused(model("phi3", "self_attn.qkv_proj.weight", { 12, 4 }, {}), "(num_attention_heads + 2 * num_key_value_heads) * head_dim: found 8, but")
    M.refused(model("phi3", "mlp.gate_up_proj.weight", { 8, 4 }, {}), "2 * intermediate_size: found 16, but")
    M.refused(model("phi", "mlp.fc1.bias", { 9 }, {}), "intermediate_size: found 8, but 'model.layers.0.mlp.fc1.bias' has 9 elements")
    M.made(model("mixtral", "block_sparse_moe.experts.3.w2.weight", { 4, 8 }, { num_local_experts = "4" }))
    M.made(model("gemma", "self_attn.q_proj.weight", { 24, 4 }, {})) -- its head_dim has a default of its own
  end)
end)

describe("the tokens of a result have rows", function()
  it("or it is refused before it is published", function()
    local cut = "local rows = {} for _, n in ipairs{'model.embed_tokens.weight', 'lm_head.weight'} do rows[n] = a.a[n]:slice{rows = {0, %d}} end return a.a:with(rows)"
    M.refused(recipe(cut:format(5)), "'model.embed_tokens.weight' has 5 rows, but the tokenizer has ids up to 5")
    M.made(recipe(cut:format(6)))
    M.model("padded", tensors(1), config(), { ["tokenizer.json"] = vocabulary:gsub('"id": 5', '"id": 9') }) -- its tokenizer is too large already
    M.made(recipe(cut:format(5)):gsub("%-%-a a", "--a padded"):gsub("%-%-b b", "--b padded"))
  end)

  it("in architectures that are not known too", function()
    local odd = '{"model_type": "odd", "vocab_size": 6}'
    M.model("odd", { ["wte.weight"] = { "F32", { 6, 4 }, 1 } }, odd)
    local command = recipe("return a.a:with_config{vocab_size = 7}"):gsub("%-%-a a %-%-b b", "--a odd --b odd")
    M.refused(command, "the result: config.json: vocab_size: found 7, but 'wte.weight' has 6 rows")
    M.model("odd", { ["wte.weight"] = { "F32", { 6, 4 }, 1 } }, '{"model_type": "odd", "vocab_size": 60}') -- the key means something else there
    M.made(command)
  end)
end)

describe("values that are NaN or infinite where no input has any", function()
  local bodies = { ["0 / 0"] = "return a.a + (a.a - a.a) / (a.b - a.b)", ["inf - inf"] = "local huge = a.a * 1e38 * 10 return a.a + (huge - a.b * 1e38 * 10):unweighed()",
    ["an overflow of f16"] = "return (a.a * 70000):unweighed()", ["a sum of the model"] = "return (a.a * (1 / (a.a - a.a):total())):unweighed()" }
  for name, body in pairs(bodies) do
    it("stop a merge: " .. name, function()
      M.refused(recipe(body) .. (name:find "f16" and " --dtype f16" or ""), "of the result", "NaN or infinite")
    end)
    it("are named where --nonfinite keep lets them through: " .. name, function()
      local _, said = M.made(recipe(body) .. " --nonfinite keep" .. (name:find "f16" and " --dtype f16" or ""))
      assert(said:find("21 tensors of the result have NaN or infinite values where no input has any, let through by --nonfinite keep: 'lm_head.weight'", 1, true), said)
    end)
  end

  it("and what an input has is not told of so", function()
    M.model("nan", tensors(0 / 0), config())
    local _, said = M.made "moonweld lerp --a nan --b nan --t 0.5 --nonfinite keep"
    assert(not said:find("no input", 1, true), said)
  end)
end)

describe("what was written is opened as a model before it is published:", function()
  --- A merge whose files somebody changes when all tensors are written.
  local function tampered(change)
    local out = M.folder .. "/tampered"
    os.execute("rm -rf " .. out .. "*")
    local good, problem = pcall(mw.merge, "lerp", { a = M.folder .. "/a", b = M.folder .. "/b", t = 0.5 }, { output = out, no_sync = true, progress = function(done, total)
      if done < total then return end
      local path = io.popen("ls " .. out .. ".partial-*/model.safetensors"):read "l"
      local file = assert(io.open(path, "r+b"))
      local bytes = file:read "a"
      file:seek "set"
      file:write((change(bytes)))
      file:close()
    end })
    assert(not good, "it was published")
    assert(os.execute("! test -e " .. out))
    return problem
  end

  it("a tensor of another name", function()
    local problem = tampered(function(bytes) return bytes:gsub("model%.norm%.weight", "model.norm.weighx") end)
    assert(problem:find("the result: tensor 'model.norm.weight' is missing in what was written", 1, true), problem)
  end)

  it("a tensor of another shape", function()
    local problem = tampered(function(bytes) return bytes:gsub('"shape":%[8,4%]', '"shape":[4,8]', 1) end)
    assert(problem:find("was written otherwise than planned", 1, true), problem)
  end)

  it("a header that is none", function()
    local problem = tampered(function(bytes) return (bytes:gsub('"dtype"', '"dtypo"', 1)) end)
    assert(problem:find("the result cannot be opened", 1, true), problem)
  end)
end)
