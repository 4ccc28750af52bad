--- Learning by recipes, on the carried models: objectives and forward passes written in Lua against an oracle that an
-- independent program computed in float64, operations of networks against plain loops, runs that stop and go on.
package.path = "tests/spec/?.lua;" .. package.path
local toy, naive, mw = require "toy", require "naive", require "moonweld"

local PICO = "tests/data/pico/"
local PROGRAM = os.getenv "MOONWELD" or "build/moonweld"

local read = toy.bytes

local function write(path, bytes)
  local file = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
end

--- The values of a safetensors file: { name = { values... } }.
local function tensors_of(path)
  local forms = { F32 = { "<f", 4 }, F64 = { "<d", 8 }, I32 = { "<i4", 4 } }
  local bytes, all = read(path), {}
  local n = string.unpack("<I8", bytes)
  for name, dtype, from, to in bytes:sub(9, 8 + n):gmatch('"([^"]+)":%s*{"dtype":%s*"(%w+)",%s*"shape":%s*%[[%d, ]*%],%s*"data_offsets":%s*%[(%d+),%s*(%d+)%]}') do
    local values = {}
    for at = tonumber(from), tonumber(to) - 1, forms[dtype][2] do values[#values + 1] = string.unpack(forms[dtype][1], bytes, 9 + n + at) end
    all[name] = values
  end
  return all
end

--- Windows [first, last] of a carried file (from 1), the first `length` ids of each, as a file of their own.
local function windows(name, first, last, length)
  local ids, lines = tensors_of(PICO .. "data/" .. name .. ".safetensors").input_ids, {}
  for w = first, last do lines[#lines + 1] = "[" .. table.concat(ids, ", ", (w - 1) * 257 + 1, (w - 1) * 257 + length) .. "]" end
  return toy.text(".jsonl", table.concat(lines, "\n") .. "\n")
end

local function out() return toy.path "-out" end

local function losses_of(folder)
  local losses, gradients = {}, {}
  for loss, gradient in read(folder .. "/moonweld/training.jsonl"):gmatch '"loss":([%d%.e%-+]+),"gradient":([%d%.e%-+]+)' do
    losses[#losses + 1], gradients[#gradients + 1] = tonumber(loss), tonumber(gradient)
  end
  return losses, gradients
end

--- The terms of the first step's loss.
local function terms_of(folder)
  local terms = {}
  for name, value in read(folder .. "/moonweld/training.jsonl"):match '"terms":{(.-)}':gmatch '"(.-)":([%d%.e%-+]+)' do terms[name] = tonumber(value) end
  return terms
end

describe("evaluation", function()
  it("gives the loss that an independent program found, within 1e-4 nats a token", function()
    local oracle, model, domain = read(PICO .. "oracle/validation_loss.json"), "kjv", "de"
    local expected = tonumber(oracle:match('"' .. model .. '": {(.-)}'):match('"' .. domain .. '": ([%d%.]+)'))
    local found = mw.eval(PICO .. model, { data = PICO .. "data/" .. domain .. ".validation.safetensors", threads = 1 })[1]
    assert.equal(96 * 256, found.tokens)
    assert(math.abs(found.loss - expected) < 1e-4, string.format("%.6f, expected %.6f", found.loss, expected))
    assert(math.abs(found.perplexity - math.exp(found.loss)) < 1e-6)
  end)
end)

describe("dam", function()
  local dam = read "recipes/dam.lua"

  it("has the loss and the gradient of the paper's objective, as an independent program found them", function()
    local data = { windows("kjv.calibration", 1, 2, 257), windows("py.calibration", 1, 2, 257) }
    local oracle, start = tensors_of(PICO .. "oracle/dam_gradient.safetensors"), {}
    for i, expert in ipairs { "kjv", "py" } do
      for name, values in pairs(oracle) do
        local tensor = name:match("^coefficient%." .. expert .. "%.(.*)$")
        if tensor then start["experts[" .. i .. "]." .. tensor] = values end
      end
    end
    -- A first step of AdamW moves by rate * g / (|g| + 1e-8): clipped to that size, the gradient can be read off it.
    local clip, rate = 3e-7, 1000
    local folder = out()
    mw.merge(toy.text(".lua", (dam:gsub("share = 0.3", "share = 0.3, clip = " .. clip))), { experts = { PICO .. "kjv", PICO .. "py" }, steps = 1, rate = rate },
      { data = data, output = folder, threads = 1, coefficients = toy.write(start) })
    local losses, norms = losses_of(folder)
    local expected = tonumber(read(PICO .. "oracle/dam_loss.json"):match '"total": ([%d%.]+)')
    assert(math.abs(losses[1] - expected) < 1e-5, string.format("loss %.8f, expected %.8f", losses[1], expected))
    local terms = terms_of(folder)
    local kl, similarity = tonumber(read(PICO .. "oracle/dam_loss.json"):match '"kl": ([%d%.]+)'), tonumber(read(PICO .. "oracle/dam_loss.json"):match '"similarity": ([%d%.]+)')
    assert(math.abs(terms["kl data[1]"] + terms["kl data[2]"] - kl) < 1e-5)
    assert(math.abs(terms.cosine - 0.01 * similarity) < 1e-5)

    local checked = 0
    for name, moved in pairs(tensors_of(folder .. "/moonweld/coefficients.safetensors")) do
      local which, tensor = name:match "^experts%[(%d)%]%.(.*)$"
      local gradient, most = oracle["gradient." .. ({ "kjv", "py" })[tonumber(which)] .. "." .. tensor], 0
      for _, g in ipairs(gradient) do most = math.max(most, math.abs(g)) end
      for j, value in ipairs(moved) do
        local u = (start[name][j] - value) / rate
        local g = u / (1 - math.abs(u)) * 1e-8 * norms[1] / clip
        assert(math.abs(g - gradient[j]) <= 1e-4 * most, string.format("%s[%d]: %.9g, expected %.9g of %.3g", name, j, g, gradient[j], most))
      end
      checked = checked + 1
    end
    assert.equal(94, checked)
  end)

  local experts = { PICO .. "kjv", PICO .. "py" }
  local short = { windows("kjv.calibration", 1, 24, 33), windows("py.calibration", 1, 24, 33) }

  it("logs every penalty by its name, and they add up to the loss with the rest", function()
    local folder = out()
    mw.merge("dam", { experts = experts, steps = 1, windows = 1, similarity = 0.5, l1 = 0.25, l2 = 0.25, overlap = 0.25 },
      { data = short, output = folder, threads = 1 })
    local terms, sum = terms_of(folder), 0
    for _, value in pairs(terms) do sum = sum + value end
    assert(math.abs(sum - losses_of(folder)[1]) < 1e-4 * sum, sum)
    -- All coefficients are 1 / 2: 47 tensors of two equal vectors each.
    assert(math.abs(terms.cosine - 0.5 * 47) < 1e-4 and terms.l2 > 0 and math.abs(terms.l1 - 2 * terms.overlap) < 1e-4, terms.cosine)
    assert.is_nil(terms.coefficients)
  end)

  it("makes a model that is better than the average on what it has not seen", function()
    local folder, average = out(), out()
    local unseen = { windows("kjv.validation", 1, 12, 129), windows("py.validation", 1, 12, 129) }
    mw.merge("dam", { experts = experts, steps = 30, windows = 4, rate = 4e-3 }, { data = short, output = folder, threads = 1 })
    mw.merge("soup", { models = experts }, { output = average })
    local function mean(model)
      local results = mw.eval(model, { data = unseen, threads = 1 })
      return (results[1].loss + results[2].loss) / 2
    end
    local losses = losses_of(folder)
    assert(losses[30] < losses[1])
    assert(mean(folder) < mean(average) - 0.005, string.format("%.4f, the average %.4f", mean(folder), mean(average)))
  end)

  it("gives the same bytes with any number of threads, and with its coefficients loaded again", function()
    local one, two, again = out(), out(), out()
    mw.merge("dam", { experts = experts, steps = 3 }, { data = short, output = one, threads = 1 })
    mw.merge("dam", { experts = experts, steps = 3 }, { data = short, output = two, threads = 2 })
    mw.merge("dam", { experts = experts, steps = 0 }, { coefficients = one .. "/moonweld/coefficients.safetensors", output = again })
    for _, name in ipairs { "model.safetensors", "moonweld/coefficients.safetensors", "moonweld/training.jsonl", "moonweld/loss.svg", "merge.lock.json" } do
      assert(read(one .. "/" .. name) == read(two .. "/" .. name), name)
    end
    assert(read(one .. "/model.safetensors") == read(again .. "/model.safetensors"))
  end)

  it("leaves what is out of its scope the plain average, to the last bit", function()
    local folder, average = out(), out()
    mw.merge("dam", { experts = experts, steps = 1, scope = "norm" }, { data = short, output = folder, threads = 1, dtype = "f32" })
    mw.merge("soup", { models = experts }, { output = average, dtype = "f32" })
    local found, expected = toy.read(folder .. "/model.safetensors"), toy.read(average .. "/model.safetensors")
    for name, values in pairs(expected) do
      local same = true
      for i, value in ipairs(values) do same = same and value == found[name][i] end
      assert.equal(name:find "norm" == nil, same, name)
    end
  end)

  it("that is stopped goes on by the same command, to the same bytes, and not by another", function()
    local folder, whole = out(), out()
    local function command(where, steps)
      return string.format("exec '%s' dam --experts %s --data %s --steps %d --windows 2 --threads 1 -o %s", PROGRAM, table.concat(experts, " "), table.concat(short, " "), steps, where)
    end
    local pipe = io.popen("sh -c 'echo $$; " .. command(folder, 16):gsub("'", "'\\''") .. " --log-json' 2>&1")
    local pid, seen, last = pipe:read "l", nil, nil
    for line in pipe:lines() do
      if not seen and line:find '"event":"learning"' then
        seen = true
        os.execute("kill -TERM " .. pid)
      end
      last = line
    end
    pipe:close()
    assert(seen and last:find('.learning keeps it', 1, true), last)
    assert(io.open(folder .. ".learning")):close()
    assert(not io.open(folder))
    local other = io.popen("sh -c \"" .. command(folder, 17) .. "\" 2>&1"):read "a"
    assert(other:find("of another command or other files", 1, true), other)
    local kept = read(folder .. ".learning") -- altered or cut short, it is refused and stays
    for _, altered in ipairs { kept:sub(1, 100) .. string.char(kept:byte(101) ~ 1) .. kept:sub(102), kept:sub(1, #kept // 2) } do
      write(folder .. ".learning", altered)
      assert(not os.execute(command(folder, 16) .. " --quiet 2> /dev/null") and read(folder .. ".learning") == altered)
    end
    write(folder .. ".learning", kept)
    assert(os.execute(command(folder, 16) .. " --quiet") and os.execute(command(whole, 16) .. " --quiet"))
    assert(not io.open(folder .. ".learning"))
    for _, name in ipairs { "model.safetensors", "moonweld/coefficients.safetensors", "moonweld/training.jsonl" } do
      assert(read(folder .. "/" .. name) == read(whole .. "/" .. name), name)
    end
  end)

  it("that is killed goes on from its last checkpoint, to the same bytes", function()
    local folder, whole = out(), out()
    local function command(where)
      return string.format("exec '%s' dam --experts %s --data %s --steps 16 --windows 2 --threads 1 -o %s --log-json", PROGRAM, table.concat(experts, " "), table.concat(short, " "), where)
    end
    --- The steps that it tells of, which may not be all; at `last` or the first one told after it is killed.
    local function run(where, last)
      local pipe, steps = io.popen("sh -c 'echo $$; export MOONWELD_CHECKPOINT=0; " .. command(where):gsub("'", "'\\''") .. "' 2>&1"), {}
      local pid = pipe:read "l"
      for line in pipe:lines() do
        local step = tonumber(line:match '"event":"learning".*"step":(%d+)')
        steps[#steps + 1] = step
        if step and last and step >= last then
          os.execute("kill -KILL " .. pid)
          last = nil
        end
      end
      pipe:close()
      return steps
    end
    local killed = run(folder, 5)
    assert(not io.open(folder) and killed[#killed] < 16)
    local rest = run(folder)
    assert(rest[1] >= 5 and rest[#rest] == 16, ("from step %d, killed at %d"):format(rest[1], killed[#killed]))
    local all = run(whole)
    assert.equal(16, all[#all])
    for _, name in ipairs { "model.safetensors", "moonweld/coefficients.safetensors", "moonweld/training.jsonl", "merge.lock.json" } do
      assert(read(folder .. "/" .. name) == read(whole .. "/" .. name), name)
    end
  end)
end)

describe("operations of networks", function()
  math.randomseed(5)
  local ROWS, N, VOCABULARY = 7, 6, 9
  local IDS = { 3, 1, 8, 0, 5, 5, 2, 7 } -- the last is only predicted
  local tensors = { e = toy.random(VOCABULARY * N), f = toy.random(VOCABULARY * N), w = toy.random(4 * N), b = toy.random(4), g = toy.random(N), h = toy.random(N),
    p = toy.random(3), r = toy.random(ROWS * N), q = toy.random(ROWS * 4), v = toy.random(VOCABULARY * N) }
  local shapes = { e = { VOCABULARY, N }, f = { VOCABULARY, N }, w = { 4, N }, r = { ROWS, N }, q = { ROWS, 4 }, v = { VOCABULARY, N } }
  local file, data = toy.write(tensors, shapes), toy.text(".jsonl", "[" .. table.concat(IDS, ",") .. "]\n")
  local m = {}
  for name, values in pairs(tensors) do
    m[name] = values
    if shapes[name] then
      m[name] = {}
      for r = 1, shapes[name][1] do m[name][r] = { table.unpack(values, (r - 1) * shapes[name][2] + 1, r * shapes[name][2]) } end
    end
  end
  local function rows(table_of)
    local x = {}
    for i = 1, ROWS do x[i] = table_of[IDS[i] + 1] end
    return x
  end
  local x, y = rows(m.e), rows(m.f)
  local function weighed(z, weights)
    local sum = 0
    for i, row in ipairs(z) do for j, v in ipairs(row) do sum = sum + v * weights[i][j] end end
    return sum
  end

  --- The loss of one step: `text` is made of x, y (embeddings), tensors t.NAME and the batch b.
  local function loss(text)
    local folder = out()
    mw.merge(toy.text(".lua", [[return recipe { "One operation.", arg.model("x", "a model"), arg.calibration(), function(a)
      local one = models { a.x }
      return sum(learn { start = one:columns(1), steps = 1, data = a.data, loss = function(c, batch)
        local t, b = {}, batch[1]
        sum(c * one):map(function(tensor, name) t[name] = tensor return tensor end)
        local x, y = embedding(b, t.e), embedding(b, t.f)
        return ]] .. text .. [[ end } * one) end }]]), { x = file }, { data = data, output = folder, threads = 1 })
    return losses_of(folder)[1]
  end

  local frequencies = "{ 1, 0.25, 0.03125 }"
  local cases = {
    { "embedding", "(x * t.r):total()", function() return weighed(x, m.r) end },
    { "linear", "(linear(x, t.w) * t.q):total()", function() return weighed(naive.linear(x, m.w), m.q) end },
    { "linear with a bias", "(linear(x, t.w, t.b) * t.q):total()", function() return weighed(naive.linear(x, m.w, m.b), m.q) end },
    { "rms_norm", "(rms_norm(x, t.g, 1e-3) * t.r):total()", function() return weighed(naive.rms_norm(x, m.g, 1e-3), m.r) end },
    { "rms_norm of parts of a row", "(rms_norm(x, t.p, 1e-3) * t.r):total()", function() return weighed(naive.rms_norm(x, m.p, 1e-3), m.r) end },
    { "layer_norm", "(layer_norm(x, t.g, t.h, 1e-3) * t.r):total()", function() return weighed(naive.layer_norm(x, m.g, m.h, 1e-3), m.r) end },
    { "rope", "(rope(x, " .. frequencies .. ") * t.r):total()", function() return weighed(naive.rope(x, { 1, 0.25, 0.03125 }), m.r) end },
    { "attention", "(attention(x, y, x * y, { heads = 3 }) * t.r):total()", function() return weighed(naive.attention(x, y, naive.mul(x, y), 3, 3, 0), m.r) end },
    { "attention with a window", "(attention(x, y, y, { heads = 2, window = 3 }) * t.r):total()", function() return weighed(naive.attention(x, y, y, 2, 2, 3), m.r) end },
    { "silu", "(silu(x) * t.r):total()", function() return weighed(naive.silu(x), m.r) end },
    { "gelu", "(gelu(x) * t.r):total()", function() return weighed(naive.gelu_erf(x), m.r) end },
    { "gelu in its tanh form", '(gelu(x, "tanh") * t.r):total()', function() return weighed(naive.gelu_tanh(x), m.r) end },
    { "softmax", "(softmax(x) * t.r):total()", function() return weighed(naive.softmax(x), m.r) end },
    { "log_softmax", "(log_softmax(x) * t.r):total()", function() return weighed(naive.log_softmax(x), m.r) end },
    { "+ - * / of activations", "((x + y * 2 - x * y / 3) * t.r):total()",
      function() return weighed(naive.map(x, function(v, i, j) return v + y[i][j] * 2 - v * y[i][j] / 3 end), m.r) end },
    { "kl", "kl(linear(x, t.v), linear(y, t.v), { temperature = 2 })", function() return naive.kl(naive.linear(x, m.v), naive.linear(y, m.v), 2) end },
    { "cross_entropy", "cross_entropy(linear(x, t.v), b)", function() return naive.cross_entropy(naive.linear(x, m.v), IDS) end },
    { "entropy", "entropy(linear(x, t.v))", function() return naive.entropy(naive.linear(x, m.v)) end },
    { "mse", "mse(x, y)", function() return naive.mse(x, y) end },
  }
  for _, case in ipairs(cases) do
    it(case[1] .. " equals plain loops", function()
      local found, expected = loss(case[2]), case[3]()
      assert(math.abs(found - expected) < 2e-6 * math.max(1, math.abs(expected)), string.format("%.9g, expected %.9g", found, expected))
    end)
  end
end)

describe("a forward pass of one's own", function()
  it("comes by require from a file beside the recipe, or as a function", function()
    local vocabulary, width = 5, 3
    local tensors = { ["e.weight"] = toy.random(vocabulary * width), ["e.norm"] = toy.random(width) }
    local file, data = toy.write(tensors, { ["e.weight"] = { vocabulary, width } }), toy.text(".jsonl", "[1, 4, 0, 2]\n")
    local forward = [[function(w, batch) return linear(rms_norm(embedding(batch, w "e.weight"), w "e.norm", 1e-6), w "e.weight") end]]
    local part = toy.text(".lua", 'return architecture { "Mine.", classes = { { "*norm", "norm" }, { "*", "embedding" } }, ' .. forward .. " }")
    local table_of, ids = {}, { 1, 4, 0, 2 }
    for r = 1, vocabulary do table_of[r] = { table.unpack(tensors["e.weight"], (r - 1) * width + 1, r * width) } end
    local x = {}
    for i = 1, 3 do x[i] = table_of[ids[i] + 1] end
    local expected = naive.cross_entropy(naive.linear(naive.rms_norm(x, tensors["e.norm"], 1e-6), table_of), ids)
    for _, given in ipairs { 'require "' .. part:match "([^/]+)%.lua$" .. '"', forward } do
      local folder = out()
      mw.merge(toy.text(".lua", [[local mine = ]] .. given .. [[

        return recipe { "An architecture of its own.", arg.model("x", "a model"), arg.calibration(), function(a)
          return learn { start = a.x:columns(1), steps = 1, data = a.data,
            loss = function(c, b) return cross_entropy(logits(c * a.x, b[1], mine), b[1]) end } * a.x end }]]),
        { x = file }, { data = data, output = folder, threads = 1 })
      local found = losses_of(folder)[1]
      assert(math.abs(found - expected) < 2e-6, string.format("%.8f, expected %.8f", found, expected))
    end
  end)
end)

describe("coefficients", function()
  local one, two = toy.write { a = { 1, 2 }, b = { 3, 4 } }, toy.write { a = { 5, 6 }, b = { 7, 8 } }
  local data = toy.text(".jsonl", "[0, 1, 0]\n")
  --- A loss over coefficients alone, before the first step.
  local function first(start, text)
    local folder = out()
    mw.merge(toy.text(".lua", [[return recipe { "Coefficients.", arg.models("m", "models"), arg.calibration(), function(a)
      return sum(learn { start = a.m:]] .. start .. [[, steps = 1, data = a.data, loss = function(c) return ]] .. text .. [[ end }:softmax() * a.m) end }]]),
      { m = { one, two } }, { data = data, output = folder, threads = 1 })
    return losses_of(folder)[1]
  end
  local cases = {
    { "l1 is the sum of norms over models and tensors", "columns(0.5)", "c:l1()", 2 * 2 * 2 * 0.5 },
    { "l2 is the sum of Euclidean norms", "columns(0.5)", "c:l2()", 2 * 2 * math.sqrt(0.5) },
    { "one number a tensor counts once", "tensors(-0.5)", "c:l1()", 2 * 2 * 0.5 },
    { "one number a model counts once", "scalars(-0.5)", "c:l1()", 2 * 0.5 },
    { "the cosine of equal vectors is 1 a tensor", "columns(0.5)", "cosine_penalty(c) + c:l1()", 2 + 4 },
    { "a single number has no direction", "tensors(0.5)", "cosine_penalty(c) + c:l1()", 0 + 2 },
    { "softmax over models sums to 1", "columns(0.5)", "c:softmax():l1() + 0 * c:l1()", 2 * 2 },
    { "elementwise operations work", "columns(0.5)", "(c:tanh() * 2):l1()", 8 * 2 * 0.46211715726 },
  }
  for _, case in ipairs(cases) do
    it(case[1], function() assert(math.abs(first(case[2], case[3]) - case[4]) < 1e-6, first(case[2], case[3])) end)
  end
end)

describe("learned_soup", function()
  --- A Llama of one layer, two heads of two values and a vocabulary of 7.
  local function small()
    local tensors, shapes = {}, {}
    for name, shape in pairs { ["model.embed_tokens.weight"] = { 7, 4 }, ["model.norm.weight"] = { 4 }, ["model.layers.0.input_layernorm.weight"] = { 4 },
      ["model.layers.0.post_attention_layernorm.weight"] = { 4 }, ["model.layers.0.self_attn.q_proj.weight"] = { 4, 4 },
      ["model.layers.0.self_attn.k_proj.weight"] = { 4, 4 }, ["model.layers.0.self_attn.v_proj.weight"] = { 4, 4 }, ["model.layers.0.self_attn.o_proj.weight"] = { 4, 4 },
      ["model.layers.0.mlp.gate_proj.weight"] = { 6, 4 }, ["model.layers.0.mlp.up_proj.weight"] = { 6, 4 }, ["model.layers.0.mlp.down_proj.weight"] = { 4, 6 } } do
      tensors[name], shapes[name] = toy.random(shape[1] * (shape[2] or 1)), shape
    end
    return toy.model(tensors, shapes, [[{"model_type": "llama", "vocab_size": 7, "hidden_size": 4, "num_attention_heads": 2, "num_hidden_layers": 1,
      "intermediate_size": 6, "tie_word_embeddings": true}]])
  end
  local one, two, data = small(), small(), toy.text(".jsonl", "[1, 5, 3, 0, 6, 2]\n[4, 4, 1, 2, 5, 6]\n")

  for by, key in pairs { model = "models[%d]", tensor = "models[%d].%s", column = "models[%d].%s" } do
    it("by " .. by .. " is the sum of what softmax makes of its coefficients, and better than the average", function()
      local folder = out()
      mw.merge("learned_soup", { models = { one, two }, by = by, steps = 30 }, { data = data, output = folder, threads = 1 })
      local c = toy.read(folder .. "/moonweld/coefficients.safetensors")
      local a, b = toy.read(one .. "/model.safetensors"), toy.read(two .. "/model.safetensors")
      for name, values in pairs(toy.read(folder .. "/model.safetensors")) do
        local x, y = c[key:format(1, name)], c[key:format(2, name)]
        local columns = name:find "norm" and #values or name:find "down" and 6 or 4
        assert.equal(by == "column" and columns or 1, #x)
        for i, value in ipairs(values) do
          local j = #x == 1 and 1 or (i - 1) % columns + 1
          local share = 1 / (1 + math.exp(y[j] - x[j]))
          assert(math.abs(value - (share * a[name][i] + (1 - share) * b[name][i])) < 1e-6, name)
        end
      end
      local losses = losses_of(folder)
      assert(losses[30] < losses[1])
    end)
  end
end)
