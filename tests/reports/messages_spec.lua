-- messages_spec.lua: what is no model, no recipe or no option is named for what it is, with what to do.
local M = dofile "tests/reports/models.lua"

local one = { ["model.layers.0.w"] = { "F32", { 2 }, 1 } }
M.model("a", one, "{}")
M.model("b", one, "{}")

--- A command line that must be refused with this exit code, in an error line and a hint line that hold the words.
local function told(code, command, ...)
  local got, said = M.run(command)
  assert.equal(code, got, said)
  local _, lines = said:gsub("\n", "")
  assert(lines == 2 and said:find "^moonweld: error: " and said:find("\nmoonweld: hint: ", 1, true), said)
  for _, words in ipairs { ... } do assert(said:find(words, 1, true), ("'%s' is not said in: %s"):format(words, said)) end
end

--- The same of an error that needs no hint.
local function refused(code, command, ...)
  local got, said = M.run(command)
  assert.equal(code, got, said)
  for _, words in ipairs { ... } do assert(said:find(words, 1, true), ("'%s' is not said in: %s"):format(words, said)) end
end

describe("a file that is no model is named for what it is:", function()
  local tar = ("x"):rep(100) .. ("\0"):rep(157) .. "ustar\0" .. ("\0"):rep(249)
  local kinds = {
    { "a server's text", "404: Not Found", "a text that begins '404: Not Found'", "get the file again" },
    { "a server's text of lines", "Access to model x/y is restricted.\nPlease log in.\n", "'Access to model x/y is restricted.'" },
    { "a server's JSON", '{"error":"Repository not found"}', 'a JSON text that begins \'{"error":"Repository not found"}\'', "give the model's folder" },
    { "a web page", "<!DOCTYPE html>\n<html>", "a web page that begins '<!DOCTYPE html>'", "download" },
    { "a web page behind spaces", "\n\n  <html lang='en'>\n", "a web page" },
    { "an answer in XML", "<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "<Code>AccessDenied" },
    { "a git-lfs pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4976698672\n", "a git-lfs pointer", "git lfs pull" },
    { "zeros", ("\0"):rep(5000), "nothing but zeros", "cut off" },
    { "few zeros", ("\0"):rep(8), "nothing but zeros" },
    { "nothing", "", "an empty file", "get the file again" },
    { "a pickle", "\x80\x02}q\0.", "a pickle", "convert it to safetensors" },
    { "a newer pickle", "\x80\x05\x95\x10\0\0\0\0\0\0\0}.", "a pickle" },
    { "PyTorch's zip", "PK\3\4\0\0\8\8\0\0archive/data.pkl", "a zip archive", "convert it to safetensors" },
    { "GGUF", "GGUF\3\0\0\0\1\0\0\0\0\0\0\0", "a GGUF file", "merge the model that it was made from" },
    { "ONNX", "\8\8\x12\7pytorch\x1a\0052.1.0", "an ONNX model", "exported from" },
    { "HDF5", "\x89HDF\r\n\x1a\n\0\0\0\0", "an HDF5 file" },
    { "NumPy", "\x93NUMPY\1\0v\0{'descr'", "a NumPy file" },
    { "gzip", "\x1f\x8b\8\0\0\0\0\0", "a gzip archive", "unpack it" },
    { "a tar archive", tar, "a tar archive", "unpack it" },
    { "a byte order mark", "\xef\xbb\xbf{}       ", "a byte order mark", "plain UTF-8" },
    { "UTF-16", "\xff\xfe{\0}\0\n\0  ", "UTF-16" },
  }
  for i, kind in ipairs(kinds) do
    it(kind[1], function()
      M.write("kinds/" .. i .. ".safetensors", kind[2])
      told(65, "moonweld soup --models a kinds/" .. i .. ".safetensors -o out", "kinds/" .. i .. ".safetensors: found ", table.unpack(kind, 3))
      M.write("kinds/folder" .. i .. "/model.safetensors", kind[2])
      told(65, "moonweld inspect kinds/folder" .. i, "model.safetensors: found ", kind[3])
      assert.falsy(M.bytes "out/model.safetensors")
    end)
  end

  it("YAML and a lock file, by their names", function()
    M.write("x.yaml", "models:\n  - model: a\n")
    told(65, "moonweld soup --models x.yaml -o out", "a YAML file", "moonweld FILE.yml -o OUT")
    M.write("made/merge.lock.json", '{"moonweld": "0.2"}')
    told(65, "moonweld soup --models made/merge.lock.json -o out", "the lock file of a merge", "give its folder")
  end)

  it("but bytes of which nothing is known are told by the header's length", function()
    M.write("odd.safetensors", "\7\1\2\3\4\5\6\7\8\9")
    local code, said = M.run "moonweld inspect odd.safetensors"
    assert.equal(65, code)
    assert.truthy(said:find("header length: found 506097522914230535, expected at most 2", 1, true), said)
  end)

  it("and a model whose header only looks odd is read", function()
    M.model("good", { ["<html>"] = { "F32", { 1 }, 1 } }, "{}")
    assert.equal(0, (M.run "moonweld inspect good"))
  end)

  it("a config.json that is none", function()
    for text, words in pairs { ["404: Not Found"] = "'404: Not Found'", ["<html></html>"] = "a web page", ["\xef\xbb\xbf{}"] = "a byte order mark",
      ["\xff\xfe{\0}\0"] = "UTF-16", ["version https://git-lfs.github.com/spec/v1\noid"] = "a git-lfs pointer", ["\0\0\0\0\0\0\0\0\0"] = "zeros" } do
      M.model("config", one, text)
      told(65, "moonweld soup --models a config -o out", "config/config.json: found ", words, "expected JSON")
    end
    M.model("config", one, "{'a': 1}")
    local _, said = M.run "moonweld soup --models a config -o out"
    assert.truthy(said:find("not JSON", 1, true), said)
  end)
end)

describe("an adapter is no model", function()
  local factors = { ["base_model.model.q.lora_A.weight"] = { "F32", { 1, 2 }, 1 }, ["base_model.model.q.lora_B.weight"] = { "F32", { 2, 1 }, 1 } }
  local words = { "a LoRA (PEFT) adapter", "BASE+ADAPTER" }
  it("as peft's folder", function()
    M.safetensors("lora/adapter_model.safetensors", factors)
    M.write("lora/adapter_config.json", '{"peft_type": "LORA"}')
    told(65, "moonweld soup --models lora lora -o out", "lora: ", table.unpack(words))
    M.write("onlyconfig/adapter_config.json", '{"peft_type": "LORA"}')
    told(65, "moonweld soup --models onlyconfig -o out", table.unpack(words))
  end)
  it("as a file, by the names of its tensors", function()
    told(65, "moonweld soup --models lora/adapter_model.safetensors lora/adapter_model.safetensors -o out", "q.lora_A.weight", table.unpack(words))
    for _, name in ipairs { "lora_unet_a.lora_down.weight", "x.attn.lora_A.default.weight", "lycoris_a.hada_w1_a", "lycoris_a.lokr_w2" } do
      M.safetensors("factor.safetensors", { [name] = { "F32", { 2 }, 1 } })
      told(65, "moonweld soup --models factor.safetensors -o out", name, table.unpack(words))
    end
  end)
  it("but can be looked at", function() assert.equal(0, (M.run "moonweld inspect lora/adapter_model.safetensors")) end)
end)

describe("what was meant", function()
  it("by a path at which nothing is", function()
    told(66, "moonweld soup --models a,b -o out", "a,b: no such file", "separated by spaces, not by commas: a b")
    told(66, "moonweld soup --models ./a,./b -o out", "spaces", "./a ./b")
    M.model("models/first", one)
    M.model("models/second", one)
    told(66, "moonweld soup --models models/frist -o out", "did you mean 'models/first'?")
    told(66, "moonweld soup --models ./models/secnd a -o out", "did you mean './models/second'?")
    told(66, "moonweld soup --models a,nothing -o out", "give a folder")
    told(66, "moonweld soup --models something -o out", "give a folder")
  end)
  it("by a folder of models", function()
    told(66, "moonweld soup --models models -o out", "models: holds no model", "2 folders of models", "models/first and models/second")
    M.model("lone/inner", one)
    told(66, "moonweld soup --models lone -o out", "did you mean lone/inner?")
    M.model("hub/models--org--one/snapshots/" .. ("a"):rep(40), one, "{}")
    M.model("hub/models--org--two/snapshots/" .. ("b"):rep(40), one, "{}")
    told(66, "moonweld soup --models hub -o out", "2 folders of models", "hub/models--org--one and hub/models--org--two")
    assert.equal(0, (M.run "moonweld inspect hub/models--org--two"))
  end)
  it("by models without an option", function()
    told(64, "moonweld lerp a b -o out", "'a' belongs to no option", "--a a --b b")
    told(64, "moonweld lerp --a a b -o out", "'b' belongs to no option", "--b b")
    told(64, "moonweld soup a b -o out", "--models a b")
    told(64, "moonweld ties a b c --density 0.5 -o out", "--base a --experts b c")
    told(64, "moonweld lerp --a a --b b 0.5 -o out", "values follow their option")
  end)
  it("by the name of another tool's method", function()
    told(64, "moonweld average --models a b -o out", "there is no recipe 'average'", "'soup' here")
    for _, name in ipairs { "core_space" } do
      told(64, "moonweld " .. name .. " --models a b -o out", "there is no recipe '" .. name .. "'", "recipes/README.md")
    end
    told(64, "moonweld slrep", "did you mean 'slerp'?")
    told(64, "moonweld evla a", "did you mean 'eval'?")
    told(64, "moonweld wxyzw", "moonweld list")
    told(64, "moonweld task --base a", "did you mean 'task_arithmetic'?")
    for _, word in ipairs { "RECIPE", "recipe" } do told(64, "moonweld " .. word .. " --help", "RECIPE stands for the name of one, as in `moonweld slerp --help`") end
  end)
  it("by a recipe that is no Lua text", function()
    M.write("x.yml", "merge_method: linear\n")
    for _, name in ipairs { "./x.yml", "x.yml" } do refused(65, "moonweld " .. name .. " -o out", name .. ":1:1: expected one of models, slices and modules") end
    told(65, "moonweld made/merge.lock.json -o out", "the lock file of a merge", "expected a recipe", "`moonweld rebuild LOCK -o NEW` makes that merge again")
    told(65, "moonweld ./a -o out", "a folder, expected a recipe", "--models")
    M.write("page.lua", "<html></html>")
    told(65, "moonweld page.lua -o out", "a web page")
    M.write("mark.lua", "\xef\xbb\xbfreturn recipe {}")
    told(65, "moonweld mark.lua -o out", "a byte order mark")
  end)
  it("by an option that is not there", function()
    told(64, "moonweld lerp --colour 1", "`moonweld lerp --help` lists the arguments of this recipe: --a, --b, --t")
    refused(64, "moonweld lerp --a a --b b --T 0.5 -o out", "there is no option --T -- did you mean --t?")
    refused(64, "moonweld lerp --a a --b b --out out", "did you mean --output?")
    refused(64, "moonweld lerp --a a --b b --allow config,tokenizer -o out", "--allow 'config,tokenizer': several are separated by spaces, not by commas")
    for _, word in ipairs { "-v", "-V", "version" } do told(64, "moonweld " .. word, "did you mean --version?") end
  end)
  it("by a model that is nothing, or lies elsewhere", function()
    refused(64, "moonweld lerp --a '' --b a -o out", "a model's name is empty")
    told(66, "moonweld lerp --a https://huggingface.co/org/name --b a -o out", "moonweld never uses the network: download it", "org/name")
  end)
  it("by a recipe's argument of no kind, and by a truth where a tensor is needed", function()
    M.write("kind.lua", 'return recipe { "x", arg.number("t"), function(a) return a.t end }')
    refused(65, "moonweld kind.lua --help", "there is no 'arg.number' -- arg(name, default, doc) is a number; there are also arg.adapter", "arg.models")
    M.write("truth.lua", 'return recipe { "x", arg.model("a", "x"), function(a)\nlocal zero = 0\nreturn where(a.a == zero, a.a, a.a) end }')
    refused(65, "moonweld truth.lua --a a -o out", "truth.lua:3: a tensor or a number is needed here, not a boolean -- x == 0 is false for Lua whatever x holds; x:eq(0)")
  end)
end)
