--- --tokenizer: models of different vocabularies are merged token by token. What comes out is held against a naive computation in
-- this file, which knows tokens and rows as Lua tables.
package.path = "tests/reports/?.lua;" .. package.path
local M = require "models"

local width = 3

--- A tokenizer.json: tokens by id from 0 (nil: no token), and added ones { [id] = text, or an entry }.
local function tokenizer(tokens, added, more)
  local vocab, entries, ids = {}, {}, {}
  for id = 0, #tokens do
    if tokens[id] then vocab[#vocab + 1] = ('"%s": %d'):format(tokens[id], id) end
  end
  for id in pairs(added or {}) do ids[#ids + 1] = id end
  table.sort(ids)
  for _, id in ipairs(ids) do
    entries[#entries + 1] = ('{"id": %d, "content": "%s", "single_word": false, "lstrip": false, "rstrip": true, "normalized": false, "special": true}'):format(id, added[id])
  end
  return ('{\n  "version": "1.0",\n  "added_tokens": [%s],\n  "normalizer": %s,\n  "model": {"type": "WordLevel", "vocab": {%s}, "unk_token": "a"}\n}\n'):format(
    table.concat(entries, ", "), more or "null", table.concat(vocab, ", "))
end

--- A model of these tokens: { tokens =, added =, rows = more rows than tokens, tied =, dtype = }. Values are small multiples of 1/64,
--- so that every dtype holds them. Gives what naive functions need.
local seed = 1
local function number()
  seed = (seed * 1103515245 + 12345) % 2147483648
  return (seed // 65536 % 64 - 32) / 64
end
local function model(folder, spec)
  local own = { ids = {}, tokens = {}, tied = spec.tied, dtype = spec.dtype or "F32" }
  local greatest = -1
  for _, list in ipairs { spec.tokens, spec.added or {} } do
    for id, text in pairs(list) do
      own.tokens[id], own.ids[text] = text, id
      greatest = math.max(greatest, id)
    end
  end
  own.greatest, own.rows = greatest, spec.rows or greatest + 1
  local function matrix()
    local list = {}
    for i = 1, own.rows * width do list[i] = number() end
    return list
  end
  own.embed = matrix()
  own.head = spec.tied and own.embed or matrix()
  local tensors = { ["model.embed_tokens.weight"] = { own.dtype, { own.rows, width }, own.embed }, ["model.norm.weight"] = { own.dtype, { width }, number() } }
  if not spec.tied then tensors["lm_head.weight"] = { own.dtype, { own.rows, width }, own.head } end
  os.execute(("rm -rf '%s/%s'"):format(M.folder, folder))
  local files = { ["tokenizer.json"] = tokenizer(spec.tokens, spec.added, spec.normalizer) }
  for name, bytes in pairs(spec.files or {}) do files[name] = bytes or nil end
  M.model(folder, tensors, ('{"model_type": "llama", "hidden_size": %d, "vocab_size": %d, "tie_word_embeddings": %s, "eos_token_id": %d}'):format(
    width, own.rows, tostring(spec.tied or false), spec.eos or 0), files)
  return own
end

local function list(text)
  local tokens = {}
  for word in text:gmatch "%S+" do tokens[tokens[0] and #tokens + 1 or 0] = word end
  return tokens
end

-- ---- naive ----

local function row(matrix, id)
  local values = {}
  for c = 1, width do values[c] = matrix[id * width + c] end
  return values
end

--- The tokens of the output by id: those of the first, then what others have, each by its ids.
local function united(first, others, new)
  local tokens, known, count = {}, {}, first.greatest + 1
  for id, text in pairs(first.tokens) do tokens[id], known[text] = text, true end
  local function add(text)
    if text and not known[text] then tokens[count], known[text], count = text, true, count + 1 end
  end
  for _, other in ipairs(others) do
    for id = 0, other.greatest do add(other.tokens[id]) end
  end
  for _, text in ipairs(new or {}) do add(text) end
  return tokens, count
end

--- What model m's matrix `part` is in the output's order.
local function aligned(models, m, part, tokens, count, options)
  options = options or {}
  local out = {}
  for id = 0, count - 1 do
    local text, holders = tokens[id], {}
    for _, other in ipairs(models) do
      if text and other.ids[text] and other.ids[text] < other.rows then holders[#holders + 1] = other end
    end
    local own = models[m].ids[text]
    local rule = options.rules and options.rules[text]
    local values
    if own and not (rule and rule.force) then values = row(models[m][part], own)
    elseif rule then values = rule.zero and { 0, 0, 0 } or row(models[rule.model][part], rule.id)
    elseif #holders == 0 then values = { 0, 0, 0 }
    elseif #holders == 1 then values = row(holders[1][part], holders[1].ids[text])
    elseif options.base and models[options.base].ids[text] then values = row(models[options.base][part], models[options.base].ids[text])
    else
      values = { 0, 0, 0 }
      for _, other in ipairs(holders) do
        for c = 1, width do values[c] = values[c] + row(other[part], other.ids[text])[c] / #holders end
      end
    end
    for c = 1, width do out[#out + 1] = values[c] end
  end
  local rows = count
  while options.pad and rows % options.pad > 0 do
    for c = 1, width do
      local sum = 0
      for id = 0, count - 1 do sum = sum + out[id * width + c] end
      out[#out + 1] = sum / count
    end
    rows = rows + 1
  end
  return out
end

--- The mean over models, each aligned.
local function mean(models, part, tokens, count, options)
  local out = {}
  for m = 1, #models do
    for i, value in ipairs(aligned(models, m, part, tokens, count, options)) do out[i] = (out[i] or 0) + value / #models end
  end
  return out
end

local function near(expected, got, what)
  assert.equal(#expected, #got, what)
  for i, value in ipairs(expected) do
    assert(math.abs(value - got[i]) < 1e-6, ("%s: value %d is %.9g, not %.9g"):format(what, i, got[i], value))
  end
end

local function check(made, models, tokens, count, options)
  near(mean(models, "embed", tokens, count, options), made["model.embed_tokens.weight"], "embeddings")
  if made["lm_head.weight"] then near(mean(models, "head", tokens, count, options), made["lm_head.weight"], "head") end
end

local function three()
  return { model("a", { tokens = list "a b c d" }), model("b", { tokens = list "c a x b y", added = { [5] = "<s>" } }),
    model("c", { tokens = list "y d a z", added = { [4] = "<s>" } }) }
end

describe("--tokenizer", function()
  it("base, union and an input line embeddings and heads up by the text of tokens", function()
    local m = three()
    local soup = "moonweld soup --models a b c --dtype f32 --tokenizer "
    check(M.made(soup .. "base"), m, m[1].tokens, 4)
    check(M.made(soup .. "'models[2]'"), m, m[2].tokens, 6)
    check(M.made(soup .. "c"), m, m[3].tokens, 5)
    local tokens, count = united(m[1], { m[2], m[3] })
    assert.equal(8, count)
    local made, _, out = M.made(soup .. "union")
    check(made, m, tokens, count)
    assert.is_truthy(M.bytes(out .. "/config.json"):find('"vocab_size": 8', 1, true))
    assert.is_truthy(M.bytes(out .. "/merge.lock.json"):find('"added": 4', 1, true))
  end)

  it("fills from the base where there is one", function()
    local m = three()
    local tokens, count = united(m[2], { m[1], m[3] })
    local made = M.made "moonweld task_arithmetic --base b --experts a c --weight 0.5 --dtype f32 --tokenizer union"
    local expected = {}
    local b = aligned(m, 2, "embed", tokens, count, { base = 2 })
    local a, c = aligned(m, 1, "embed", tokens, count, { base = 2 }), aligned(m, 3, "embed", tokens, count, { base = 2 })
    for i, value in ipairs(b) do expected[i] = value + 0.5 * (a[i] - value) + 0.5 * (c[i] - value) end
    near(expected, made["model.embed_tokens.weight"], "embeddings")
    M.run "rm -rf x; moonweld soup --models a b c --donor b --tokenizer union --dtype f32 -o x"
    check(M.read "x/model.safetensors", m, tokens, count, { base = 2 })
  end)

  it("brings tied and separate heads, and dtypes that differ, to one form", function()
    local m = { model("a", { tokens = list "a b", dtype = "BF16" }), model("b", { tokens = list "b c", tied = true, dtype = "F64" }) }
    local tokens, count = united(m[1], { m[2] })
    check(M.made "moonweld soup --models a b --tokenizer union --dtype f32", m, tokens, count)
    local made = M.made "moonweld soup --models a b --tokenizer union"
    assert.equal("BF16", made["model.embed_tokens.weight"].dtype)
  end)

  it("ends rows beyond the last token, and pads with the mean of the others", function()
    local m = { model("a", { tokens = list "a b c", rows = 8 }), model("b", { tokens = list "b a", rows = 4 }) }
    check(M.made "moonweld soup --models a b --tokenizer base --dtype f32", m, m[1].tokens, 3)
    local made = M.made "moonweld soup --models a b --tokenizer base --pad-vocabulary 4 --dtype f32"
    check(made, m, m[1].tokens, 3, { pad = 4 })
    assert.equal("4," .. width, made["lm_head.weight"].shape)
    local again = M.made "moonweld soup --models a b --tokenizer base --pad-vocabulary 4 --dtype f32 --threads 1"
    near(made["lm_head.weight"], again["lm_head.weight"], "with one thread")
  end)

  it("takes rows of single tokens by --tokens, as text or as a file", function()
    local m = three()
    local tokens, count = united(m[1], { m[2], m[3] }, { "new", "other" })
    local rules = [[{"x": {"source": "models[2]"}, "a": {"source": "b", "force": true}, "z": {"source": {"kind": "zero"}, "force": true},
      "<s>": {"source": {"kind": "model_token", "model": "a", "token": "d"}}, "new": {"source": {"kind": "model_token", "model": "c", "token_id": 1}}, "other": {}}]]
    M.write("rules.json", rules)
    local options = { rules = { x = { model = 2, id = 2 }, a = { model = 2, id = 1, force = true }, z = { zero = true, force = true },
      ["<s>"] = { model = 1, id = 3 }, new = { model = 3, id = 1 } } }
    local soup = "moonweld soup --models a b c --dtype f32 --tokenizer union --tokens "
    local made, said, out = M.made(soup .. "rules.json")
    check(made, m, tokens, count, options)
    assert.is_truthy(said:find("1 token of the output is in no model: its row is zeros", 1, true), said)
    assert.same(made, (M.made(soup .. "'" .. rules .. "'")))
    M.write("rules.json", "{}")
    M.run("rm -rf again; moonweld rebuild " .. out .. " -o again")
    assert.same(made, M.read "again/model.safetensors", "a rebuild needs the file of rules no more")
  end)

  it("are found by their rows where their names are not known", function()
    local function with(folder, tokens, name, shape)
      local own = model(folder, { tokens = tokens, tied = true })
      local values, count = {}, 1
      for _, n in ipairs(shape) do count = count * n end
      for i = 1, count do values[i] = i end
      M.safetensors(folder .. "/model.safetensors",
        { ["model.embed_tokens.weight"] = { "F32", { own.rows, width }, own.embed }, ["model.norm.weight"] = { "F32", { width }, 1 }, [name] = { "F32", shape, values } })
    end
    local soup = "moonweld soup --models a b --tokenizer base"
    for name, each in pairs { ["my_head.weight"] = width, ["my_head.bias"] = 1, ["cls.predictions.bias"] = 1 } do
      local shape = { 5, each > 1 and each or nil }
      with("a", list "a b c d e", name, shape)
      with("b", list "c a e b d", name, shape)
      local out, told = M.made(soup)
      assert.equal(name:find "my_head" and true, told:find("'" .. name .. "' has a row for each token and is taken for a head", 1, true) and true)
      for at, theirs in ipairs { 2, 4, 1, 5, 3 } do -- of a b c d e in b
        for i = 1, each do assert.equal(((at - 1) * each + i + (theirs - 1) * each + i) / 2, out[name][(at - 1) * each + i]) end
      end
    end
    for _, name in ipairs { "score.weight", "model.position_embeddings.weight", "model.layers.0.up.weight" } do -- no heads: the mean of equals
      with("a", list "a b c d e", name, { name:find "score" and 2 or 5, width })
      with("b", list "c a e b d", name, { name:find "score" and 2 or 5, width })
      assert.equal(2, M.made(soup)[name][2])
    end
    with("a", list "a b c d e", "final_logits_bias", { 1, 5 }) -- BART's: one row
    with("b", list "c a e b d x", "final_logits_bias", { 1, 6 })
    local out = M.made "moonweld soup --models a b --tokenizer union --pad-vocabulary 8"
    assert.same({ 1.5, 3, 2, 4.5, 4, 6 }, { table.unpack(out.final_logits_bias, 1, 6) })
    assert.equal(8, #out.final_logits_bias)
    assert.is_true(math.abs(out.final_logits_bias[8] - 3.5) < 1e-6)
  end)
  it("lets rows stand in of the models that --stand-in names, for embeddings and heads apart", function()
    local function with(name, tokens, embed, head)
      model(name, { tokens = list(tokens) })
      local rows = select(2, tokens:gsub("%S+", ""))
      M.safetensors(name .. "/model.safetensors", { ["model.embed_tokens.weight"] = { "F32", { rows, width }, embed }, ["model.norm.weight"] = { "F32", { width }, 1 },
        ["lm_head.weight"] = { "F32", { rows, width }, head } })
    end
    with("a", "a b", 1, 10)
    with("b", "a c", 2, 20)
    with("c", "a c d", 4, 40)
    M.write("first.lua", 'return recipe { "A test.", arg.model("model", "m"), arg.model("other", "m"), arg.model("further", "m"), function(a) return a.model end }')
    local function third(more) -- what stands in for token c in model a, and for how many tokens zeros do
      local made, said = M.made("moonweld ./first.lua --model a --other b --further c --tokenizer union --dtype f32 " .. more)
      return made["model.embed_tokens.weight"][2 * width + 1], made["lm_head.weight"][2 * width + 1], said:match "(%d+ tokens?) of the output"
    end
    assert.same({ 3, 30 }, { third "" })
    assert.same({ 2, 40, "2 tokens" }, { third "--stand-in embeddings:other heads:further" })
    assert.same({ 4, 40, nil }, { third "--stand-in c model" })
    assert.same({ 0, 30, "2 tokens" }, { third "--stand-in embeddings:model" })
    M.refused("moonweld soup --models a b --tokenizer union --stand-in heads:x", "--stand-in 'x' is no input")
    M.refused("moonweld soup --models a b --stand-in b", "--stand-in belongs to --tokenizer")
  end)
  it("changes nothing where all have one vocabulary, bit for bit", function()
    local spec = { tokens = list "a b c", added = { [3] = "<s>", [5] = "</s>" }, dtype = "BF16" }
    model("a", spec)
    model("b", spec)
    for _, word in ipairs { "base", "union", "b" } do
      M.run("rm -rf plain union; moonweld soup --models a b -o plain; moonweld soup --models a b -o union --tokenizer " .. word)
      for _, file in ipairs { "model.safetensors", "config.json", "tokenizer.json" } do
        assert.equal(M.bytes("plain/" .. file), M.bytes("union/" .. file), word .. " " .. file)
      end
    end
  end)
end)

describe("the files of the output's tokenizer", function()
  it("have the added tokens with their settings, behind those that were there, and stay as they are otherwise", function()
    local decoder = '{"added_tokens_decoder": {"2": {"content": "<e>", "special": true}}, "eos_token": "<e>", "model_max_length": 9}'
    model("a", { tokens = list "a b", added = { [2] = "<e>" }, files = { ["tokenizer_config.json"] = decoder, ["added_tokens.json"] = '{"<e>": 2}' } })
    model("b", { tokens = list "a c", added = { [2] = "<s>" } })
    local _, _, out = M.made "moonweld soup --models a b --tokenizer union"
    local text = M.bytes(out .. "/tokenizer.json")
    local new = ',{"id":3,"content":"c","single_word":true,"lstrip":false,"rstrip":false,"normalized":true,"special":false}' ..
      ',{"id":4,"content":"<s>","single_word":false,"lstrip":false,"rstrip":true,"normalized":false,"special":true}'
    assert.equal(M.bytes "a/tokenizer.json", (text:gsub(new:gsub("%p", "%%%0"), "")))
    assert.equal('{"<e>": 2,"c": 3,"<s>": 4}', M.bytes(out .. "/added_tokens.json"))
    local written = M.bytes(out .. "/tokenizer_config.json")
    assert.is_truthy(written:find('"2": {"content": "<e>", "special": true},"3": {"content":"c"', 1, true), written)
    assert.is_truthy(written:find('"model_max_length": 9}', 1, true), written)
  end)

  it("are another model's with --tokenizer MODEL, and ids of special tokens follow", function()
    model("a", { tokens = list "a b c", eos = 2, files = { ["merges.txt"] = "of a", ["chat_template.jinja"] = "of a", ["LICENSE"] = "of a",
      ["generation_config.json"] = '{"eos_token_id": [2, 1], "pad_token_id": 1, "top_k": 5}' } })
    model("b", { tokens = list "c a", eos = 1, files = { ["special_tokens_map.json"] = "{}", ["LICENSE"] = "of b" } })
    local _, said, out = M.made "moonweld soup --models a b --tokenizer b"
    assert.equal(M.bytes "b/tokenizer.json", M.bytes(out .. "/tokenizer.json"))
    assert.is_nil(M.bytes(out .. "/merges.txt"))
    assert.is_nil(M.bytes(out .. "/chat_template.jinja"))
    assert.equal("{}", M.bytes(out .. "/special_tokens_map.json"))
    assert.equal("of a", M.bytes(out .. "/LICENSE"))
    assert.is_truthy(M.bytes(out .. "/config.json"):find('"eos_token_id": 1', 1, true))
    assert.equal('{"eos_token_id": 1, "pad_token_id": null, "top_k": 5}', M.bytes(out .. "/generation_config.json"))
    assert.is_truthy(said:find("generation_config.json: pad_token_id: 1 is no token of the output's tokenizer", 1, true), said)
  end)

  it("lose added tokens that have no row, and what names them", function()
    model("a", { tokens = list "a b", added = { [2] = "<p>", [3] = "<q>" }, rows = 3, files = {
      ["tokenizer_config.json"] = '{"pad_token": "<q>", "eos_token": {"content": "<p>"}, "additional_special_tokens": ["<q>", "<p>"]}',
      ["special_tokens_map.json"] = '{\n  "eos_token": "<p>",\n  "pad_token": "<q>"\n}' } })
    model("b", { tokens = list "a b", added = { [2] = "<p>" } })
    local made, said, out = M.made "moonweld soup --models a b --tokenizer union"
    assert.equal("3," .. width, made["lm_head.weight"].shape)
    assert.is_truthy(said:find("models[1]: 1 added token has no row in its embeddings: '<q>'", 1, true), said)
    assert.is_nil(M.bytes(out .. "/tokenizer.json"):find("<q>", 1, true))
    assert.equal('{"eos_token": {"content": "<p>"}, "additional_special_tokens": ["<p>"]}', M.bytes(out .. "/tokenizer_config.json"))
    assert.equal('{\n  "eos_token": "<p>"\n}', M.bytes(out .. "/special_tokens_map.json"))
  end)

  it("keep ordinary tokens whole in whose text an added one would be found", function()
    model("a", { tokens = list "a ]); é);x b); );b" })
    model("b", { tokens = list "a );" })
    local _, _, out = M.made "moonweld soup --models a b --tokenizer union"
    local found = {}
    for id, content in M.bytes(out .. "/tokenizer.json"):gmatch '{"id":(%d+),"content":"([^"]*)"' do found[#found + 1] = id .. " " .. content end
    assert.same({ "5 );", "1 ]);" }, found) -- in the others it is part of a word
  end)

  it("are plain literals where a normalizer would change them", function()
    model("a", { tokens = list "a b", normalizer = '{"type": "Lowercase"}' })
    model("b", { tokens = list "a C" })
    local _, _, out = M.made "moonweld soup --models a b --tokenizer union"
    assert.is_truthy(M.bytes(out .. "/tokenizer.json"):find('"content":"C","single_word":true,"lstrip":false,"rstrip":false,"normalized":false', 1, true))
  end)

  -- With "normalized" the library looks for the token as the normalizer makes it: "_<u>" here, which is nowhere within a word.
  it("are found within words where another model's tokenizer finds them there, whatever the normalizer puts before words", function()
    local prepend, own = '{"type": "Prepend", "prepend": "_"}', '"content":"<u>","single_word":false,"lstrip":false,"rstrip":true,"normalized":'
    local function made(normalizer)
      model("b", { tokens = list "a", added = { [1] = "<u>" }, normalizer = normalizer })
      M.write("b/tokenizer.json", (M.bytes "b/tokenizer.json":gsub('"normalized": false', '"normalized": true')))
      local _, _, out = M.made "moonweld soup --models a b --tokenizer union"
      return M.bytes(out .. "/tokenizer.json")
    end
    model("a", { tokens = list "a b", normalizer = prepend })
    assert.is_truthy(made(nil):find(own .. "false", 1, true))
    assert.is_truthy(made '{"type": "Lowercase"}':find(own .. "false", 1, true))
    assert.is_truthy(made(prepend):find(own .. "true", 1, true)) -- its own finds it as little
    model("a", { tokens = list "a b" })
    assert.is_truthy(made(prepend):find(own .. "true", 1, true))
  end)

  it("are found within words where a rule names them, unless they are words themselves", function()
    model("a", { tokens = list "a b" })
    local _, _, out = M.made [[moonweld soup --models a --tokenizer base --tokens '{"<|n|>": {}, "new": {}, "<|x": {}}']]
    local text = M.bytes(out .. "/tokenizer.json")
    for token, single in pairs { ["<|n|>"] = false, new = true, ["<|x"] = true } do
      assert.is_truthy(text:find(('"content":"%s","single_word":%s,'):format(token, single), 1, true), token)
    end
  end)
end)

describe("what --tokenizer refuses", function()
  local soup = "moonweld soup --models a b --tokenizer "
  it("a model without a tokenizer, or with one that does not say its tokens", function()
    model("a", { tokens = list "a b" })
    model("b", { tokens = list "a b", files = { ["tokenizer.json"] = false } })
    M.run "rm b/tokenizer.json"
    M.refused(soup .. "base", "models[2]: b: there is no tokenizer")
    local _, said = M.made(soup .. "base --allow tokenizer")
    assert.is_truthy(said:find("models[2] has no tokenizer: taken to have that of models[1], let through by --allow tokenizer", 1, true), said)
    M.write("b/tekken.json", '{"vocab": []}')
    M.refused(soup .. "base", "models[2]: b/tekken.json: its tokens are not spelt as those of a tokenizer.json are")
    M.refused("moonweld soup --models a b/model.safetensors --tokenizer base", "models[2]: it is a lone file: there is no tokenizer with it")
    M.write("b/tokenizer.json", "{}")
    M.refused(soup .. "union", "models[2]: b/tokenizer.json: there is no vocabulary in it")
    M.write("b/tokenizer.json", '{"model": {')
    M.refused(soup .. "union", "models[2]: b/tokenizer.json")
  end)
  it("more ordinary tokens than rows", function()
    model("a", { tokens = list "a b c" })
    model("b", { tokens = list "a b c", rows = 2 })
    M.refused(soup .. "base", "models[2]: its tokenizer has ids up to 2, but its embeddings have 2 rows")
  end)
  it("to add tokens to a tokenizer.model, by name", function()
    model("a", { tokens = list "a b" })
    M.run "rm a/tokenizer.json"
    M.write("a/tokenizer.model", "\10\8\10\1a\21\0\0\0\0\10\8\10\1b\21\0\0\0\0")
    model("b", { tokens = list "a c" })
    M.refused(soup .. "union", "models[1]: a/tokenizer.model: --tokenizer union needs a tokenizer.json")
    M.refused(soup .. [[base --tokens '{"n": {}}']], "a/tokenizer.model cannot be given the token 'n'")
    M.made(soup .. "base")
  end)
  it("ids with gaps that leave none for a new token", function()
    model("a", { tokens = { [0] = "a", "b", nil, "d" } })
    model("b", { tokens = list "a b c d e" })
    M.refused(soup .. "union", "its ids have gaps, so that the token 'c' would get id 3 when it is loaded, which 'd' has")
    local made = M.made(soup .. "base")
    assert.equal("4," .. width, made["lm_head.weight"].shape)
  end)
  it("data, scores and prompts, which only the donor's own tokenizer reads", function()
    model("a", { tokens = list "a b" })
    model("b", { tokens = list "a c" })
    M.write("x.jsonl", '{"text": "a b"}\n')
    M.write("prompted.lua", 'return recipe { "A test.", arg.models("models", "m"), function(a) return prompts { { "a b" } } and a.models[1] end }')
    local others = "--tokenizer 'models[2]' is not the donor's, by which --data and --score are read"
    M.refused("moonweld greedy_soup --models a b --tokenizer b --score 'echo {dir}'", others)
    M.refused("moonweld learned_soup --models a b --tokenizer b --data x.jsonl", others)
    M.refused("moonweld ./prompted.lua --models a b --tokenizer b", "--tokenizer 'models[2]' is not the donor's, by which prompts are read")
  end)
  it("names and rules that are none", function()
    model("a", { tokens = list "a b" })
    model("b", { tokens = list "a c" })
    M.refused(soup .. "nowhere", "--tokenizer 'nowhere' is none of base union, no input, and no folder")
    M.refused("moonweld soup --models a b --pad-vocabulary 8", "--pad-vocabulary belongs to --tokenizer")
    M.refused("moonweld soup --models a b --tokens '{}'", "--tokens belongs to --tokenizer")
    for rules, words in pairs {
      ['[]'] = "--tokens", ['{"a": 1}'] = "'a': a rule is an object", ['{"a": {"sauce": 1}}'] = "is no member of it",
      ['{"a": {"force": true}}'] = 'with "force" it needs a "source"', ['{"a": {"force": 1}}'] = "neither true nor false",
      ['{"a": {"source": "z"}}'] = "'z' is none of the inputs", ['{"a": {"source": {"kind": "one"}}}'] = "none of model_token zero",
      ['{"a": {"source": {"kind": "model_token", "model": "b"}}}'] = "a token or a token_id, one of both",
      ['{"a": {"source": {"kind": "model_token", "model": "b", "token_id": -1}}}'] = "is not a whole number",
      ['{"b": {"source": "b"}}'] = "models[2] has no token b", ['{"c": {"source": {"kind": "model_token", "model": "a", "token_id": 9}}}'] = "models[1] has no row 9",
      ['{"c": {"source": {"kind": "model_token", "model": "a", "token": "q"}}}'] = "models[1] has no token q",
    } do
      M.refused(soup .. "union --tokens '" .. rules .. "'", words)
    end
  end)
  it("what counts tokens in another way than a row for each", function()
    for _, folder in ipairs { "a", "b" } do
      local own = model(folder, { tokens = folder == "a" and list "a b c d e" or list "c a e b d", tied = true })
      M.safetensors(folder .. "/model.safetensors", { ["model.embed_tokens.weight"] = { "F32", { own.rows, width }, own.embed }, ["pairs.weight"] = { "F32", { 2, 5 }, 0.5 } })
    end
    M.refused("moonweld soup --models a b --tokenizer base", "models[2]: --tokenizer: 'pairs.weight' counts as many as there are tokens (5), but has no row for each")
    local _, told = M.made "moonweld soup --models a b --tokenizer base --allow tokenizer"
    assert.truthy(told:find("'pairs.weight' counts as many as there are tokens and stays as it is, let through", 1, true))
  end)
  it("nothing without it: the error where tokenizers differ says what it would do", function()
    model("a", { tokens = list "a b" })
    model("b", { tokens = list "a c" })
    M.refused("moonweld soup --models a b", "tokenizer: 1 of 2 ordinary tokens differ", "--tokenizer union lines up the vocabularies by the text of their tokens, with 1 more from models[2]")
    model("b", { tokens = list "a b", rows = 5 })
    M.refused("moonweld soup --models a b", "tensor 'lm_head.weight' is [5,3] here and [2,3]", "--tokenizer base lines up embeddings and heads")
  end)
end)
