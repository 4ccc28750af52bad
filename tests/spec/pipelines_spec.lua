--- Programs around merges: what a script sees of models, its own scores, and the pipelines of recipes/pipelines, which go on where they
--- were stopped.
package.path = "tests/spec/?.lua;recipes/pipelines/?.lua;" .. package.path
local toy, mw = require "toy", require "moonweld"
local read, refuses = toy.bytes, toy.refuses
local PICO = "tests/data/pico/"

describe("a model that is open", function()
  local path = toy.write({ m = { 1, 2, 3, 4, 5, -6 }, v = { 3, 4 }, names = { 7 } }, { m = { 2, 3 } })
  local m = mw.open(path)

  it("tells its tensors", function()
    assert.same({ "m", "names", "v" }, m:names())
    assert.equal(3, #m)
    assert.same({ "m", "F32", { 2, 3 }, 6 }, { m.m.name, m.m.dtype, m["m"].shape, #m.m })
    assert.equal("v: F32 [2]", tostring(m.v))
    assert.equal("names", m:tensor("names").name) -- a method wins over a tensor of its name
  end)
  it("gives values of it, and their sums", function()
    assert.same({ { 1, 2, 3 }, { 4, 5, -6 } }, m.m:slice())
    assert.same({ { 5, -6 } }, m.m:slice { rows = { -1, 2 }, columns = { 1, 3 } })
    assert.same({ 4 }, m.v:slice { columns = { 1, 2 } })
    assert.same({}, m.m:slice { rows = { 1, 1 } })
    assert.same({ 5, 3.5, 7, 3, 4 }, { m.v:norm(), m.v:mean(), m.v:total(), m.v:min(), m.v:max() })
  end)
  it("refuses by name what is not there", function()
    refuses("there is no tensor 'nams' (did you mean 'names'?)", function() return m.nams end)
    refuses("rows { 0, 9 } is outside of the tensor, which has 2", m.m.slice, m.m, { rows = { 0, 9 } })
    refuses("rows { 1, 0 } is outside", m.m.slice, m.m, { rows = { 1, 0 } })
    refuses("slice: rows is { first, end }, two whole numbers", m.m.slice, m.m, { rows = { 0 } })
    refuses("slice knows rows and columns, no 'row'", m.m.slice, m.m, { row = { 0, 1 } })
    refuses("a tensor has no 'nrm'", function() return m.m.nrm end)
    refuses("nowhere: ", mw.open, "nowhere")
  end)
  it("keeps itself as long as one of its tensors, until it is closed", function()
    local t
    do
      local again = mw.open(path)
      t = again.v
    end
    collectgarbage()
    collectgarbage()
    assert.equal(5, t:norm())
    do
      local closed <close> = mw.open(path)
      t = closed.v
    end
    refuses("the model is closed", t.norm, t)
  end)
end)

describe("a script's own", function()
  local one, two = toy.write { w = { 1, 2, 3 } }, toy.write { w = { 3, 2, 1 } }
  local recipe = [[
return recipe { "The best of five.", arg.model("a", "one"), arg.model("b", "two"), arg.score(), function(a)
  local best, most
  for i = 0, 4 do
    local m = lerp(a.a, a.b, i / 4)
    local s = a.score(m)
    if not most or s > most then best, most = m, s end
  end
  return best
end }]]

  it("function scores candidates, and a text is a recipe", function()
    local seen, out = {}, toy.path "-out"
    mw.merge(recipe, { a = one, b = two }, { output = out, score = function(folder)
      local m <close> = mw.open(folder .. "/model.safetensors")
      local first = m.w:slice()[1]
      seen[#seen + 1] = first
      return -math.abs(first - 2.5)
    end })
    assert.same({ 1, 1.5, 2, 2.5, 3 }, seen)
    assert.same({ w = { 2.5, 2, 1.5 } }, toy.read(out .. "/model.safetensors"))
  end)
  it("function that fails, or gives no number, ends the merge without an output", function()
    local out = toy.path "-out"
    refuses("as it does", mw.merge, recipe, { a = one, b = two }, { output = out, score = function() error "as it does" end })
    refuses("the score of candidate 1 is no finite number", mw.merge, recipe, { a = one, b = two }, { output = out, score = function() return "1" end })
    refuses("option 'score' is a text, not a number", mw.merge, recipe, { a = one, b = two }, { output = out, score = 1 })
    assert.falsy(io.open(out .. "/model.safetensors"))
  end)
  it("picture has a point for each number", function()
    local file = toy.path ".svg"
    mw.plot { file = file, x = "t", y = "loss", values = { 0, 0.5, 1 }, labels = { "one", "two" }, curves = { { 3, 2, 4 }, { 1, nil, 2 } } }
    local _, points = read(file):gsub("<title>", "")
    assert.equal(5, points)
    refuses("plot: 'curves' is a list", mw.plot, { file = file, x = "t", y = "l", values = { 1 }, labels = { "" } })
    refuses("exists and is not", mw.plot, { file = one, x = "t", y = "l", values = { 1 }, labels = { "" }, curves = { { 1 } } })
  end)
end)

describe("the pipeline", function()
  local folder = toy.path "-pipe"
  local program = os.getenv "MOONWELD" or "build/moonweld"
  os.execute(("mkdir -p '%s'"):format(folder))
  local data = assert(io.open(folder .. "/a.jsonl", "w"))
  data:write "[1, 20, 300, 4, 50]\n"
  data:close()

  --- Runs it to its end; then anew, killed when its journal has half of the `lines`, with a line that the power has cut, and once more: the
  --- bytes are the same, and the journal. Gives what it said.
  local function goes_on(script, words, lines)
    local place = folder .. "/" .. script
    local command = ("%s script recipes/pipelines/%s.lua %s > '%s/said'"):format(program, script, words:gsub("OUT", place), folder)
    local journal, out = place .. ".tsv", place .. "/model.safetensors"
    assert(os.execute(command))
    local written, bytes = read(journal), read(out)
    assert.equal(1 + lines, select(2, written:gsub("\n", "")))
    assert(os.execute(("rm -rf '%s' '%s' '%s.candidate'"):format(journal, place, place)))
    os.execute(("%s 2>&1 & until [ \"$(cat '%s' 2> /dev/null | wc -l)\" -gt %d ]; do sleep 0.02; kill -0 $! || exit; done; kill -9 $!; wait")
      :format(command, journal, lines // 2))
    assert.falsy(io.open(out))
    local half = assert(io.open(journal, "a"))
    assert.truthy(#read(journal) < #written)
    half:write "cut\t1"
    half:close()
    assert(os.execute(command))
    assert.equal(written, read(journal))
    assert.equal(bytes, read(out))
    return read(folder .. "/said")
  end

  local a, b = PICO .. "kjv", PICO .. "de"
  it("lambda_sweep ends with the best mix, a table and a picture, and goes on", function()
    local said = goes_on("lambda_sweep", ("%s %s OUT %s/a.jsonl"):format(a, b, folder), 11)
    assert.truthy(said:find "best: lambda = ")
    assert.truthy(read(folder .. "/lambda_sweep.svg"):find "<svg")
  end)
  it("density_search goes on", function() goes_on("density_search", ("%sbase %s %s OUT %s/a.jsonl"):format(PICO, a, b, folder), 10) end)
  it("layer_weights goes on", function() goes_on("layer_weights", ("%sbase %s %s OUT 2 %s/a.jsonl"):format(PICO, a, b, folder), 19) end)
  it("has numbers of its own models and data alone", function()
    local place = toy.path ".tsv"
    local measured = require "journal" (place, { "one", "data" })
    assert.same({ 2, 2 }, { measured("x", function() return 2 end), measured("x", error) })
    assert.same(2, require "journal" (place, { "one", "data" })("x", error))
    refuses("has the numbers of another search: # one\tdata", require "journal", place, { "two", "data" })
  end)
  it("layer_weights finds the least of a function by CMA-ES", function()
    local x, least = require "cma"({ 2, -1, 3 }, 0.5, 100, function(x) return (x[1] - 1) ^ 2 + 10 * (x[2] + x[3]) ^ 2 + x[3] ^ 2 end, function() end)
    assert.truthy(least < 1e-6 and math.abs(x[1] - 1) < 1e-3)
  end)
  teardown(function() os.execute(("rm -rf '%s'"):format(folder)) end)
end)
