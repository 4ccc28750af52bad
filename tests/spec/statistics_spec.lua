--- Statistics of data (gram, inputs, hidden, fisher, gradient) against plain loops, on small models of every carried architecture; gradients
-- against finite differences; the bits of any number of threads; what is said where there can be none.
package.path = "tests/spec/?.lua;" .. package.path
local toy, naive, mw = require "toy", require "naive", require "moonweld"

local HIDDEN, HEADS, GROUPS, D, INNER, VOCABULARY, LAYERS = 6, 2, 1, 4, 5, 13, 2

local state = 7
local function draw()
  state = (state * 1103515245 + 12345) % 2147483648
  return (string.unpack("<f", string.pack("<f", (state / 2147483648 - 0.5) * 1.5)))
end

--- A model's folder, and w(name): its tensors as matrices and vectors, which may be changed.
local function model(config, extra, scales)
  local tensors, shapes, matrices = {}, {}, {}
  local function add(name, rows, columns)
    local values, matrix = {}, {}
    for i = 1, rows do
      if not columns then values[i] = 1 + draw(); matrix[i] = values[i] else
        matrix[i] = {}
        for k = 1, columns do matrix[i][k] = draw() * (scales and scales[name] or 1); values[#values + 1] = matrix[i][k] end
      end
    end
    tensors[name], shapes[name], matrices[name] = values, columns and { rows, columns } or { rows }, matrix
  end
  add("model.embed_tokens.weight", VOCABULARY, HIDDEN)
  add("model.norm.weight", HIDDEN)
  for layer = 0, LAYERS - 1 do
    local here = "model.layers." .. layer .. "."
    add(here .. "input_layernorm.weight", HIDDEN)
    add(here .. "post_attention_layernorm.weight", HIDDEN)
    add(here .. "self_attn.q_proj.weight", HEADS * D, HIDDEN)
    add(here .. "self_attn.k_proj.weight", GROUPS * D, HIDDEN)
    add(here .. "self_attn.v_proj.weight", GROUPS * D, HIDDEN)
    add(here .. "self_attn.o_proj.weight", HIDDEN, HEADS * D)
    add(here .. "mlp.gate_proj.weight", INNER, HIDDEN)
    add(here .. "mlp.up_proj.weight", INNER, HIDDEN)
    add(here .. "mlp.down_proj.weight", HIDDEN, INNER)
    for name, size in pairs(extra or {}) do add(here .. name, size) end
  end
  if not config:find "tie_word_embeddings" then add("lm_head.weight", VOCABULARY, HIDDEN) end
  return toy.model(tensors, shapes, config), function(name) return matrices[name] end, matrices
end

local common = string.format([["vocab_size": %d, "hidden_size": %d, "num_attention_heads": %d, "num_key_value_heads": %d, "head_dim": %d,
  "intermediate_size": %d, "num_hidden_layers": %d, "rms_norm_eps": 1e-5, "rope_theta": 100]], VOCABULARY, HIDDEN, HEADS, GROUPS, D, INNER, LAYERS)

local function facts(more)
  local all = { heads = HEADS, groups = GROUPS, d = D, layers = LAYERS, theta = 100, eps = 1e-5, stretch = function(f) return f end }
  for key, value in pairs(more or {}) do all[key] = value end
  return all
end

local cases = {
  { "llama", '"model_type": "llama"' },
  { "llama with a tied head", '"model_type": "llama", "tie_word_embeddings": true' },
  { "qwen2 with its biases", '"model_type": "qwen2"', nil,
    { ["self_attn.q_proj.bias"] = HEADS * D, ["self_attn.k_proj.bias"] = GROUPS * D, ["self_attn.v_proj.bias"] = GROUPS * D } },
  { "qwen3 with normalised heads", '"model_type": "qwen3"', nil, { ["self_attn.q_norm.weight"] = D, ["self_attn.k_norm.weight"] = D } },
  { "gemma", '"model_type": "gemma", "hidden_act": "gelu_pytorch_tanh", "tie_word_embeddings": true',
    { unit = 1, scale = math.sqrt(HIDDEN), act = naive.gelu_tanh } },
}

local WINDOWS = { { { 1, 5, 3, 12, 0, 7, 7, 2 }, { 4, 9, 11 } }, { { 6, 2, 2, 8, 10 } } }
local files = {}
for i, windows in ipairs(WINDOWS) do
  local lines = {}
  for k, window in ipairs(windows) do lines[k] = "[" .. table.concat(window, ", ") .. "]" end
  files[i] = toy.text(".jsonl", table.concat(lines, "\n") .. "\n")
end
local ALL = { WINDOWS[1][1], WINDOWS[1][2], WINDOWS[2][1] }

--- The tensors that a recipe's body gives of model `a.m` and data `a.data`, as flat lists by name.
local function found(folder, body, data, options)
  local recipe = toy.text(".lua", "return recipe { 'a test', arg.model('m', 'a model'), arg.calibration(), function(a)\n" .. body .. "\nend }\n")
  local out = toy.path ".safetensors"
  local all = { data = data or files, dtype = "f32", output = out }
  for key, value in pairs(options or {}) do all[key] = value end
  mw.merge(recipe, { m = folder }, all)
  return toy.read(out), out
end

local as_result = [[
  local out = {}
  local function put(model, prefix) for _, name in ipairs(model:names()) do out[(prefix or "") .. name] = model[name]:unweighed() end end
]]

local function near(value, expected, what, bound)
  local scale = math.max(2e-2, math.abs(expected))
  assert(math.abs(value - expected) <= (bound or 2e-5) * scale, string.format("%s: %.9g, expected %.9g", what, value, expected))
end

--- What linear layers read over some windows: by name the rows, and each window's last one.
local function rows_of(w, windows, config)
  local rows, last, entered, entered_last = {}, {}, {}, {}
  local function add(to, to_last, key, x)
    to[key], to_last[key] = to[key] or {}, to_last[key] or {}
    for _, row in ipairs(x) do table.insert(to[key], row) end
    table.insert(to_last[key], x[#x])
  end
  config.reads = function(name, x) add(rows, last, name, x) end
  config.enters = function(layer, x) add(entered, entered_last, layer, x) end
  for _, window in ipairs(windows) do naive.decoder(w, window, config) end
  config.reads, config.enters = nil, nil
  return rows, last, entered, entered_last
end

local function column(rows, c, f)
  local sum = 0
  for _, row in ipairs(rows) do sum = sum + f(row[c]) end
  return sum
end
local function same(x) return x end
local function square(x) return x * x end

describe("statistics of what layers read", function()
  for _, case in ipairs(cases) do
    it("equal plain loops for " .. case[1], function()
      local folder, w = model("{" .. common .. ", " .. case[2] .. "}", case[4])
      local rows, last, entered, entered_last = rows_of(w, ALL, facts(case[3]))
      local t = found(folder, as_result .. [[
        put(gram(a.m, a.data), "gram.")
        local x = inputs(a.m, a.data)
        for _, of in ipairs { "mean", "total", "norm", "var", "std", "peak" } do put(x[of](x, { per = "column" }), of .. ".") end
        put(x:map(function(y) return y:abs() end):mean{ per = "column", at = "last" }, "last.")
        for l, h in ipairs(hidden(a.m, a.data)) do
          out["hidden." .. l] = h:mean{ per = "column" }:unweighed()
          out["hidden_last." .. l] = h:mean{ per = "column", at = "last" }:unweighed()
        end
        return out]])
      local layers = 0
      for name, x in pairs(rows) do
        layers = layers + 1
        local n = #x[1]
        for i = 1, n do
          local mean, squares = column(x, i, same) / #x, column(x, i, square) / #x
          local peak = 0
          for _, row in ipairs(x) do peak = math.max(peak, math.abs(row[i])) end
          near(t["mean." .. name][i], mean, "mean " .. name)
          near(t["total." .. name][i], mean * #x, "total " .. name)
          near(t["norm." .. name][i], math.sqrt(squares * #x), "norm " .. name)
          near(t["var." .. name][i], squares - mean ^ 2, "var " .. name, 2e-4)
          near(t["std." .. name][i], math.sqrt(squares - mean ^ 2), "std " .. name, 2e-4)
          near(t["peak." .. name][i], peak, "peak " .. name)
          near(t["last." .. name][i], column(last[name], i, math.abs) / #last[name], "last " .. name)
          for k = 1, n do
            local sum = 0
            for _, row in ipairs(x) do sum = sum + row[i] * row[k] end
            near(t["gram." .. name][(i - 1) * n + k], sum / #x, "gram " .. name, 1e-4)
            assert.equal(t["gram." .. name][(i - 1) * n + k], t["gram." .. name][(k - 1) * n + i])
          end
        end
      end
      assert.equal(7 * LAYERS + (w "lm_head.weight" and 1 or 0), layers)
      for layer = 0, LAYERS - 1 do
        for i = 1, HIDDEN do
          near(t["hidden." .. layer + 1][i], column(entered[layer], i, same) / #entered[layer], "hidden")
          near(t["hidden_last." .. layer + 1][i], column(entered_last[layer], i, same) / #ALL, "last hidden")
        end
      end
    end)
  end

  it("of one file of several are of its windows alone, and of a lazy merge of the merged model", function()
    local config = "{" .. common .. ', "model_type": "llama"}'
    local folder, w = model(config)
    local other, v = model(config)
    local rows = rows_of(w, WINDOWS[2], facts())
    local name = "model.layers.1.mlp.down_proj.weight"
    local t = found(folder, as_result .. "put(inputs(a.m, a.data[2]):mean{ per = 'column' }) return out")
    for i = 1, INNER do near(t[name][i], column(rows[name], i, same) / #rows[name], "one file") end
    local half = rows_of(function(n)
      local x, y = w(n), v(n)
      local function mix(p, q)
        if type(p) == "number" then return (p + q) / 2 end
        local all = {}
        for k = 1, p and #p or 0 do all[k] = mix(p[k], q[k]) end
        return p and all
      end
      return mix(x, y)
    end, ALL, facts())
    local recipe = toy.text(".lua", "return recipe { 'a test', arg.models('ms', 'models'), arg.calibration(), function(a)\n" .. as_result ..
      "put(inputs(mean(a.ms), a.data):mean{ per = 'column' }) return out end }\n")
    local out = toy.path ".safetensors"
    mw.merge(recipe, { ms = { folder, other } }, { data = files, dtype = "f32", output = out })
    local merged = toy.read(out)
    for i = 1, INNER do near(merged[name][i], column(half[name], i, same) / #half[name], "of a merge") end
  end)
end)

describe("gradients", function()
  local STEP = 1e-4
  for _, case in ipairs(cases) do
    it("and their squares equal finite differences for " .. case[1], function()
      local folder, w, matrices = model("{" .. common .. ", " .. case[2] .. "}", case[4])
      local config = facts(case[3])
      local t = found(folder, as_result .. [[
        put(gradient(function(batch) return cross_entropy(logits(a.m, batch), batch) end, a.m, a.data), "gradient.")
        put(fisher(a.m, a.data), "fisher.")
        return out]])
      local names = {}
      for name in pairs(matrices) do names[#names + 1] = name end
      table.sort(names)
      for _, name in ipairs(names) do
        local matrix = matrices[name]
        local columns = type(matrix[1]) == "table" and #matrix[1]
        for k = 1, 5 do
          local i = (k * 7 - 7) % #matrix + 1
          local row, c = columns and matrix[i] or matrix, columns and (k * 3) % columns + 1 or i
          local mean, squares, kept = 0, 0, row[c]
          for _, window in ipairs(ALL) do
            row[c] = kept + STEP
            local above = naive.cross_entropy(naive.decoder(w, window, config), window)
            row[c] = kept - STEP
            local below = naive.cross_entropy(naive.decoder(w, window, config), window)
            row[c] = kept
            local g = (above - below) / (2 * STEP)
            mean, squares = mean + g / #ALL, squares + g * g / #ALL
          end
          local at = columns and (i - 1) * columns + c or i
          assert(math.abs(t["gradient." .. name][at] - mean) < 2e-5 + 1e-3 * math.abs(mean), string.format("%s[%d]: %.9g, expected %.9g", name, at,
            t["gradient." .. name][at], mean))
          assert(math.abs(t["fisher." .. name][at] - squares) < 2e-6 + 2e-3 * squares, string.format("fisher %s[%d]: %.9g, expected %.9g", name, at,
            t["fisher." .. name][at], squares))
        end
      end
    end)
  end

  it("of another loss, of two models, are those of that loss", function()
    local config = "{" .. common .. ', "model_type": "llama"}'
    local folder, w, matrices = model(config)
    local other, v = model(config)
    local recipe = toy.text(".lua", "return recipe { 'a test', arg.models('ms', 'models'), arg.calibration(), function(a)\n" .. as_result ..
      "put(gradient(function(batch) return kl(logits(a.ms[2], batch), logits(a.ms[1], batch)) end, a.ms[1], a.data)) return out end }\n")
    local out = toy.path ".safetensors"
    mw.merge(recipe, { ms = { folder, other } }, { data = files[2], dtype = "f32", output = out })
    local t, window, name = toy.read(out), WINDOWS[2][1], "model.layers.0.mlp.up_proj.weight"
    -- the last id of a window is only predicted
    local read = table.move(window, 1, #window - 1, 1, {})
    local teacher = naive.decoder(v, read, facts())
    for i = 1, INNER do
      local row = matrices[name][i]
      local kept = row[2]
      row[2] = kept + STEP
      local above = naive.kl(teacher, naive.decoder(w, read, facts()), 1)
      row[2] = kept - STEP
      local below = naive.kl(teacher, naive.decoder(w, read, facts()), 1)
      row[2] = kept
      local g = (above - below) / (2 * STEP)
      assert(math.abs(t[name][(i - 1) * HIDDEN + 2] - g) < 2e-5 + 1e-3 * math.abs(g))
    end
  end)
end)

describe("numbers an element", function()
  it("begin at their first value, and a step of AdamW moves each against its own gradient", function()
    local folder = model("{" .. common .. ', "model_type": "llama", "tie_word_embeddings": true}')
    local function learned(steps)
      local recipe = toy.text(".lua", ([[return recipe { 'a test', arg.model('m', 'a model'), arg.calibration(), function(a)
        local function merged(c) return sum((2 * c):atmost(10) * list{ a.m }) end
        return merged(learn{ start = list{ a.m }:elements(0.5), steps = %d, rate = 0.01, data = a.data,
          loss = function(c, batch) return cross_entropy(logits(merged(c), batch[1]), batch[1]) end }) end }]]):format(steps))
      local out = toy.path "-out"
      mw.merge(recipe, { m = folder }, { data = files[2], output = out, dtype = "f32" })
      return toy.read(out .. "/model.safetensors"), toy.read(out .. "/moonweld/coefficients.safetensors")
    end
    local weights = toy.read(folder .. "/model.safetensors")
    for name, values in pairs((learned(0))) do for i, value in ipairs(values) do near(value, weights[name][i], name) end end
    local t, c = learned(1)
    local gradient = found(folder, as_result ..
      "put(gradient(function(batch) return cross_entropy(logits(a.m, batch), batch) end, a.m, a.data)) return out", files[2])
    local moved = 0
    for name, values in pairs(gradient) do
      assert.equal(#values, #c["m." .. name])
      for i, g in ipairs(values) do
        local slope, number = g * weights[name][i], c["m." .. name][i]
        if math.abs(slope) > 1e-4 then
          near(number, 0.5 - 0.01 * (slope > 0 and 1 or -1), name, 1e-3)
          moved = moved + 1
        end
        near(t[name][i], 2 * number * weights[name][i], name, 1e-5)
      end
    end
    assert(moved > 300, moved)
  end)
end)

describe("statistics", function()
  local PICO = "tests/data/pico/"
  local body = as_result .. [[
    put(gram(a.m, a.data), "gram.") put(fisher(a.m, a.data), "fisher.")
    put(inputs(a.m, a.data):norm{ per = "column" }, "norm.")
    return out]]

  it("have the same bits for any number of threads", function()
    local data = toy.text(".jsonl", "[1, 20, 300, 4, 50, 600, 7, 80]\n[5, 4, 3]\n")
    local _, one = found(PICO .. "kjv", body, data, { threads = 1 })
    local _, three = found(PICO .. "kjv", body, data, { threads = 3 })
    assert(toy.bytes(one) == toy.bytes(three))
  end)

  it("are told in the plan and recorded in the lock", function()
    local recipe = toy.text(".lua", "return recipe { 'a test', arg.model('m', 'a model'), arg.calibration(), function(a)\n" .. body .. "\nend }\n")
    local data = toy.text(".jsonl", "[1, 20, 300, 4, 50, 600, 7, 80]\n[5, 4, 3]\n")
    local plan = mw.plan(recipe, { m = PICO .. "kjv" }, { data = data, output = toy.path ".safetensors" })
    assert(plan.statistics.memory > 1e6 and plan.statistics.batches == 1 + 2 and plan.statistics.flops > 0)
    assert(plan.statistics.bytes > 1750000 * 4)
    local _, out = found(PICO .. "kjv", body, data)
    local lock = toy.bytes((out:gsub("%.safetensors$", ".lock.json")))
    assert(lock:find('"statistics": {', 1, true) and lock:find('"blas_core"', 1, true) and lock:find('"windows": 2', 1, true))
  end)

  local refused = {
    { "without data", "return gram(a.m, a.data)", "--data FILE... is needed", {} },
    { "of a file that is not there", "return gram(a.m, a.data[3])", "there is no data[3]: --data gives 2 files" },
    { "of data that is none", "return fisher(a.m, 3)", "fisher takes data as arg.calibration() gives it" },
    { "of what is no model", "return inputs(2, a.data)", "inputs takes a model, not a number" },
    { "along rows", "return inputs(a.m, a.data):mean{ per = 'row' }", "found for each column: {per = \"column\"}" },
    { "at another place", "return inputs(a.m, a.data):mean{ per = 'column', at = 'first' }", "'at' is \"last\"" },
    { "not reduced", "return inputs(a.m, a.data)", "activations" },
    { "of a loss without the model", "return gradient(function() return 1 end, a.m, a.data)", "gradient's loss gives a number, not one number" },
    { "of a network that is made of statistics", "return fisher(a.m + fisher(a.m, a.data), a.data):unweighed()", "a network is made of what is found from data" },
    { "that are masks, as a result", "return fisher(a.m, a.data)", "is a mask or a weight, not a model's" },
  }
  for _, case in ipairs(refused) do
    it(case[1] .. " are refused", function()
      local ok, message = pcall(found, PICO .. "kjv", case[2], case[4])
      assert(not ok and tostring(message):find(case[3], 1, true), tostring(message))
    end)
  end

  it("of a model whose values overflow are refused by the tensor's name", function()
    local folder = model("{" .. common .. ', "model_type": "llama"}', nil, { ["model.layers.0.mlp.up_proj.weight"] = 1e25 })
    local ok, message = pcall(found, folder, as_result .. "put(gram(a.m, a.data)) return out")
    assert(not ok and tostring(message):find("found from data for tensor 'model.layers.0.mlp.down_proj.weight' is not finite", 1, true), tostring(message))
  end)
end)

--- Solves a x = b by elimination with pivots; a [n][n], b [n][m]; both are lost.
local function eliminate(a, b)
  local n = #a
  for k = 1, n do
    local pivot = k
    for i = k + 1, n do if math.abs(a[i][k]) > math.abs(a[pivot][k]) then pivot = i end end
    a[k], a[pivot], b[k], b[pivot] = a[pivot], a[k], b[pivot], b[k]
    for i = 1, n do
      local f = i ~= k and a[i][k] / a[k][k] or 0
      for c = 1, n do a[i][c] = a[i][c] - f * a[k][c] end
      for c = 1, #b[1] do b[i][c] = b[i][c] - f * b[k][c] end
    end
  end
  for k = 1, n do for c = 1, #b[1] do b[k][c] = b[k][c] / a[k][k] end end
  return b
end

describe("recipes of statistics", function()
  local config = "{" .. common .. ', "model_type": "llama"}'
  local one, w = model(config)
  local two, v = model(config)
  local models = { w, v }

  --- A file of a model's statistics.
  local function stats(folder, data, what)
    local out = toy.path ".safetensors"
    assert(os.execute(("%s stats %s --data %s --find %s -o %s --quiet"):format(os.getenv "MOONWELD" or "build/moonweld", folder, data, what, out)))
    return out
  end

  local function merged(recipe, arguments, options)
    local out = toy.path "-out"
    local all = { output = out, dtype = "f32" }
    for key, value in pairs(options or {}) do all[key] = value end
    arguments.experts = { one, two }
    mw.merge(recipe, arguments, all)
    return toy.read(out .. "/model.safetensors"), toy.bytes(out .. "/model.safetensors")
  end

  it("regmean is the least squares of its formula, and the mean of what is no linear layer", function()
    for _, alpha in ipairs { 0.9, 0 } do
      local t = merged("regmean", { alpha = alpha }, { data = files })
      for _, name in ipairs { "model.layers.0.self_attn.q_proj.weight", "model.layers.1.mlp.down_proj.weight", "lm_head.weight" } do
        local n, m = #w(name)[1], #w(name)
        local left, right = {}, {}
        for i = 1, n do
          left[i], right[i] = {}, {}
          for k = 1, n do left[i][k] = 0 end
          for k = 1, m do right[i][k] = 0 end
        end
        for e, expert in ipairs(models) do
          local x = rows_of(expert, WINDOWS[e], facts())[name]
          local g, most = {}, 0
          for i = 1, n do
            g[i] = {}
            for k = 1, n do
              local sum = 0
              for _, row in ipairs(x) do sum = sum + row[i] * row[k] end
              g[i][k] = sum / #x * (i == k and 1 or alpha)
            end
            most = math.max(most, g[i][i])
          end
          for i = 1, n do g[i][i] = g[i][i] + 1e-6 * most end
          for i = 1, n do
            for k = 1, n do left[i][k] = left[i][k] + g[i][k] end
            for o = 1, m do for k = 1, n do right[i][o] = right[i][o] + g[i][k] * expert(name)[o][k] end end
          end
        end
        local x = eliminate(left, right)
        for o = 1, m do for i = 1, n do near(t[name][(o - 1) * n + i], x[i][o], name, 2e-3) end end
      end
      local norm, table = "model.norm.weight", "model.embed_tokens.weight"
      for i = 1, HIDDEN do
        near(t[norm][i], (w(norm)[i] + v(norm)[i]) / 2, norm)
        near(t[table][i], (w(table)[1][i] + v(table)[1][i]) / 2, table)
      end
    end
  end)

  it("fisher weighs every element by its own squares", function()
    local F = { toy.read(stats(one, files[1], "fisher")), toy.read(stats(two, files[2], "fisher")) }
    local t = merged("fisher", { weight = { 1, 0.5 } }, { data = files })
    for _, name in ipairs { "model.layers.0.self_attn.q_proj.weight", "model.norm.weight", "model.embed_tokens.weight" } do
      for i, value in ipairs(t[name]) do
        local columns = type(w(name)[1]) == "table" and #w(name)[1]
        local function at(x) return columns and x(name)[(i - 1) // columns + 1][(i - 1) % columns + 1] or x(name)[i] end
        local p, q = math.max(F[1][name][i], 1e-6), 0.5 * math.max(F[2][name][i], 1e-6)
        near(value, (p * at(w) + q * at(v)) / (p + q), name, 1e-4)
      end
    end
  end)

  it("take what stats has written, to the same bytes", function()
    for recipe, given in pairs { regmean = { "grams", "gram" }, fisher = { "fishers", "fisher" } } do
      local _, first = merged(recipe, {}, { data = files })
      local _, read = merged(recipe, { [given[1]] = { stats(one, files[1], given[2]), stats(two, files[2], given[2]) } })
      assert(first == read, recipe)
    end
  end)

  it("want one file an expert", function()
    toy.refuses("one file an expert, by --data or --grams: 2 files, not 1", merged, "regmean", {}, { data = files[1] })
    toy.refuses("one file an expert, by --data or --fishers: 2 files, not 0", merged, "fisher", {})
  end)

  it("adamerging makes the merged model surer of itself than it was", function()
    for _, by in ipairs { "tensor", "model" } do
      local out = toy.path "-out"
      mw.merge("adamerging", { base = one, experts = { two }, by = by, steps = 20, rate = 0.05 }, { data = files, output = out, threads = 1 })
      local losses = {}
      for loss in toy.bytes(out .. "/moonweld/training.jsonl"):gmatch '"loss":([%d%.e%-+]+)' do losses[#losses + 1] = tonumber(loss) end
      local function mix(name) -- of base + 0.3 * (expert - base)
        local function go(p, q)
          if type(p) == "number" then return p + 0.3 * (q - p) end
          local all = {}
          for k = 1, p and #p or 0 do all[k] = go(p[k], q[k]) end
          return p and all
        end
        return go(w(name), v(name))
      end
      local first = 0
      for _, windows in ipairs(WINDOWS) do
        local sum, rows = 0, 0
        for _, window in ipairs(windows) do -- the last id of the longest is only predicted
          local read = table.move(window, 1, math.min(#window, #windows[1] - 1), 1, {})
          sum, rows = sum + naive.entropy(naive.decoder(mix, read, facts())) * #read, rows + #read
        end
        first = first + sum / rows
      end
      near(losses[1], first, "entropy", 1e-4)
      assert(losses[20] < losses[1], by)
    end
  end)

  it("moe sends tokens where the prompts of an expert are read alike", function()
    for _, tokens in ipairs { "all", "last" } do
      local out = toy.path "-out"
      mw.merge("moe", { base = one, experts = { one, two }, gates = "hidden", prompts = tokens }, { data = files, output = out, dtype = "f32" })
      local t = toy.read(out .. "/model.safetensors")
      for layer = 0, LAYERS - 1 do
        for e = 1, 2 do
          local _, _, all, last = rows_of(w, WINDOWS[e], facts())
          local rows, mean, length = (tokens == "all" and all or last)[layer], {}, 0
          for i = 1, HIDDEN do mean[i] = column(rows, i, same) / #rows end
          for i = 1, HIDDEN do length = length + mean[i] ^ 2 end
          for i = 1, HIDDEN do
            near(t["model.layers." .. layer .. ".block_sparse_moe.gate.weight"][(e - 1) * HIDDEN + i], mean[i] / math.sqrt(length), "a gate")
          end
        end
      end
    end
    toy.refuses("--data with 2 or 4 files, not 1", mw.merge, "moe",
      { base = one, experts = { one, two }, gates = "hidden" }, { data = files[1], output = toy.path "-out" })
  end)
end)
