--- Inputs whose names differ: compiled, wrapped and nested models, and renames that a recipe makes itself.
package.path = "tests/reports/?.lua;" .. package.path
local M = require "models"

local function names(prefix, count, fill, more)
  local tensors = {}
  for layer = 0, count - 1 do tensors[prefix .. "model.layers." .. layer .. ".up.weight"] = { "F32", { 2, 2 }, fill + layer } end
  tensors[prefix .. "model.embed_tokens.weight"] = { "F32", { 3, 2 }, fill }
  for name, tensor in pairs(more or {}) do tensors[name] = tensor end
  return tensors
end

M.safetensors("plain.safetensors", names("", 4, 1))
M.safetensors("other.safetensors", names("", 4, 3))

-- Whether a tool has wrapped the model: then the donor's names are those that nobody wants.
local prefixes = { ["_orig_mod."] = true, ["module."] = true, ["base_model.model."] = true, ["_forward_module.module."] = true,
  ["module._orig_mod."] = true, ["_fsdp_wrapped_module."] = true, ["model."] = false, ["first_stage_model."] = false, ["student.model."] = false }

describe("an input whose names all carry a prefix", function()
  for prefix, wraps in pairs(prefixes) do
    it("is recognised in both directions: " .. prefix, function()
      M.safetensors("wrapped.safetensors", names(prefix, 4, 3))
      local said = M.refused("moonweld lerp --a plain.safetensors --b wrapped.safetensors", "nothing of b would be merged", prefix,
        "--rename 'b:" .. prefix .. "*=*' makes 5 of its 5 names match")
      assert.is_nil(said:find("missing base", 1, true))
      local reversed = wraps and "'a:" .. prefix .. "*=*'" or "'b:*=" .. prefix .. "*'"
      M.refused("moonweld lerp --a wrapped.safetensors --b plain.safetensors", "--rename " .. reversed .. " makes 5 of its 5 names match")
      assert.equal(2, M.made("moonweld lerp --a wrapped.safetensors --b plain.safetensors --rename " .. reversed)[(wraps and "" or prefix) .. "model.embed_tokens.weight"][1])
    end)

    it("merges after the renaming that was proposed, with its own name or for whoever it helps: " .. prefix, function()
      M.safetensors("wrapped.safetensors", names(prefix, 4, 3))
      local wanted = M.made "moonweld lerp --a plain.safetensors --b other.safetensors"
      assert.same(wanted, (M.made("moonweld lerp --a plain.safetensors --b wrapped.safetensors --rename 'b:" .. prefix .. "*=*'")))
      assert.same(wanted, (M.made("moonweld lerp --a plain.safetensors --b wrapped.safetensors --rename '" .. prefix .. "*=*'")))
    end)
  end

  it("is recognised where one known part stands for another, or within every layer", function()
    M.safetensors("vl.safetensors", { ["model.language_model.layers.0.w"] = { "F32", { 2 }, 1 }, ["model.language_model.norm.w"] = { "F32", { 2 }, 1 } })
    M.safetensors("lv.safetensors", { ["language_model.model.layers.0.w"] = { "F32", { 2 }, 1 }, ["language_model.model.norm.w"] = { "F32", { 2 }, 1 } })
    M.refused("moonweld lerp --a vl.safetensors --b lv.safetensors", "--rename 'b:language_model.model.*=model.language_model.*' makes 2 of its 2")
    local inside = {}
    for name, tensor in pairs(names("", 4, 3)) do inside[name:gsub("(layers%.%d+%.)", "%1_checkpoint_wrapped_module.")] = tensor end
    M.safetensors("inside.safetensors", inside)
    M.refused("moonweld lerp --a plain.safetensors --b inside.safetensors", "--rename 'b:*._checkpoint_wrapped_module.*=*.*' makes 5 of its 5")
  end)

  local function changed(f)
    local tensors = {}
    for name, tensor in pairs(names("", 4, 3, { ["lm_head.weight"] = { "F32", { 2 }, 3 }, ["model.layers.0.down.weight"] = { "F32", { 2 }, 3 } })) do tensors[f(name)] = tensor end
    return tensors
  end
  local within = {
    ["base_layer. of an adapter that was never merged"] = { function(name) return (name:gsub("(layers.*)%.weight", "%1.base_layer.weight")) end, "'%s:*.base_layer.*=*.*'" },
    ["base_layer. in a few tensors"] = { function(name) return (name:gsub("down%.weight", "down.base_layer.weight")) end, "'%s:*.base_layer.*=*.*'" },
    ["a prefix and base_layer."] = { function(name) return "base_model.model." .. name:gsub("(layers.*)%.weight", "%1.base_layer.weight") end,
      "'%s:base_model.model.*=*' '%s:*.base_layer.*=*.*'" },
    ["a compiled one of these"] = { function(name) return "_orig_mod.base_model.model." .. name:gsub("(layers.*)%.weight", "%1.base_layer.weight") end,
      "'%s:_orig_mod.base_model.model.*=*' '%s:*.base_layer.*=*.*'" },
    ["modules_to_save"] = { function(name) return (name:gsub("lm_head%.", "lm_head.modules_to_save.default.")) end, "'%s:*.modules_to_save.default.*=*.*'" },
    ["a part that nobody has named"] = { function(name) return (name:gsub("(layers.*)%.weight", "%1.linear.weight")) end, "'%s:*.linear.*=*.*'" },
  }
  for what, case in pairs(within) do
    it("or whose tensors have a part too many is recognised in both directions: " .. what, function()
      M.safetensors("whole.safetensors", changed(function(name) return name end))
      M.safetensors("within.safetensors", changed(case[1]))
      for donor, models in pairs { a = "--a within.safetensors --b whole.safetensors", b = "--a whole.safetensors --b within.safetensors" } do
        local words = "--rename " .. case[2]:gsub("%%s", donor)
        M.refused("moonweld lerp " .. models, words .. " makes 7 of its 7 names match")
        assert.same(M.read "whole.safetensors", (M.made("moonweld lerp " .. models .. " " .. words)))
      end
    end)
  end

  --- Follows what is proposed, in both directions, and expects a merge of all tensors: 2 of 1 and 3, the head 12 of 11 and 13.
  local function follow(a, b, count, words)
    M.safetensors("first.safetensors", a)
    M.safetensors("second.safetensors", b)
    local merge = "moonweld lerp --a first.safetensors --b second.safetensors"
    local said = M.refused(merge, words or "")
    local renames, of, own = said:match "hint: (%-%-rename .*) makes (%d+) of its (%d+) names match"
    assert(renames and of == own and tonumber(of) == count, said)
    local made = M.made(merge .. " " .. renames)
    for name, tensor in pairs(made) do
      assert.equal(name:find "lm_head" and 12 or 2, tensor[1], name)
      count = count - 1
    end
    assert.equal(0, count)
  end
  local function filled(list, fill)
    local tensors = {}
    for _, name in ipairs(list) do tensors[name] = { "F32", { 2 }, fill + (name:find "lm_head" and 10 or 0) } end
    return tensors
  end
  local text = { "model.embed_tokens.weight", "model.layers.0.up.weight", "model.layers.1.up.weight", "model.norm.weight", "lm_head.weight" }
  local function each(list, change)
    local new = {}
    for i, name in ipairs(list) do new[i] = change(name) end
    return new
  end
  local sees = { "vision_tower.layers.0.fc.weight", "vision_tower.layers.1.fc.weight", "multi_modal_projector.linear_1.weight" }
  local many = {
    ["a beginning is missing in everything but the head"] = { text, each(text, function(name) return (name:gsub("^model%.", "")) end) },
    ["another beginning in everything but the head"] = { text, each(text, function(name) return (name:gsub("^model%.", "transformer.")) end) },
    ["a model that sees, as it was called before and is called now"] = {
      table.move(sees, 1, 3, 6, each(text, function(name) return "language_model." .. name end)),
      table.move(each(sees, function(name) return "model." .. name end), 1, 3, 6, each(text, function(name) return (name:gsub("^model%.", "model.language_model.")) end)) },
    ["LayerNorm's gamma and beta"] = { { "bert.0.LayerNorm.gamma", "bert.0.LayerNorm.beta", "bert.0.query.weight" }, { "bert.0.LayerNorm.weight", "bert.0.LayerNorm.bias", "bert.0.query.weight" } },
    ["weight norms of older torch"] = { { "conv.0.weight_g", "conv.0.weight_v", "conv.0.bias" },
      { "conv.0.parametrizations.weight.original0", "conv.0.parametrizations.weight.original1", "conv.0.bias" } },
    ["the attention of older autoencoders"] = { { "mid.0.query.weight", "mid.0.key.weight", "mid.0.value.weight", "mid.0.proj_attn.weight", "mid.0.norm.weight" },
      { "mid.0.to_q.weight", "mid.0.to_k.weight", "mid.0.to_v.weight", "mid.0.to_out.0.weight", "mid.0.norm.weight" } },
  }
  for what, names_of in pairs(many) do
    it("or where several things have other names: " .. what, function()
      follow(filled(names_of[1], 1), filled(names_of[2], 3), #names_of[1])
      follow(filled(names_of[2], 1), filled(names_of[1], 3), #names_of[1])
    end)
  end

  it("is not told of where words are guessed: other parts in the place of some", function()
    M.safetensors("whole.safetensors", changed(function(name) return name end))
    M.safetensors("gate.safetensors", changed(function(name) return (name:gsub("down", "gate")) end))
    local said = M.refused("moonweld lerp --a whole.safetensors --b gate.safetensors", "with --missing base 1 tensor of 7 would be a's, unmerged")
    assert.is_nil(said:find("--rename", 1, true), said)
  end)

  it("or of whose configuration the head is missing under its plain name is told of by names, not by its configuration", function()
    local config = '{"model_type": "llama", "num_hidden_layers": 4, "hidden_size": 2, "vocab_size": 3, "tie_word_embeddings": false}'
    M.model("headed", changed(function(name) return name end), config)
    M.model("nested", changed(function(name) return "language_model." .. name end), config)
    M.refused("moonweld lerp --a headed --b nested", "--rename 'b:language_model.*=*' makes 7 of its 7 names match")
  end)

  it("is never merged as nothing, whatever the options say", function()
    M.safetensors("wrapped.safetensors", names("_orig_mod.", 4, 3))
    M.refused("moonweld task_arithmetic --base plain.safetensors --experts wrapped.safetensors --missing base --donor-integers",
      "nothing of experts[1] would be merged", "_orig_mod.")
    M.refused("moonweld soup --models plain.safetensors other.safetensors wrapped.safetensors --missing base", "nothing of models[3]")
  end)

  it("has no layer merged where only what lies outside of the layers meets", function()
    local renamed = {}
    for name, tensor in pairs(names("", 4, 3)) do renamed[name:gsub("layers", "blocks")] = tensor end
    M.safetensors("blocks.safetensors", renamed)
    M.refused("moonweld lerp --a plain.safetensors --b blocks.safetensors --missing base", "no layer of b would be merged",
      "--rename 'b:model.blocks.*=model.layers.*' makes 5 of its 5")
  end)
end)

describe("an input that lacks some tensors", function()
  local head = { ["lm_head.weight"] = { "F32", { 2 }, 9 } }
  M.safetensors("headed.safetensors", names("", 4, 3, head))

  it("is refused, with what --missing base would do to this merge", function()
    M.refused("moonweld lerp --a headed.safetensors --b plain.safetensors", "b lacks 1 tensor that a has: 'lm_head.weight'",
      "with --missing base 1 tensor of 6 would be a's, unmerged")
    M.refused("moonweld lerp --a plain.safetensors --b headed.safetensors", "a lacks 1 tensor that b has: 'lm_head.weight'",
      "1 tensor that only b has would be dropped")
  end)

  it("takes them from the donor by --missing base, which is counted and told", function()
    local tensors, said = M.made "moonweld lerp --a headed.safetensors --b plain.safetensors --missing base"
    assert.same({ 9, 9 }, { table.unpack(tensors["lm_head.weight"]) })
    assert.is_truthy(said:find("b: 1 tensor that it lacks is the donor's", 1, true))
  end)

  it("has the donor's tensor in the place of its own in every step of a formula, not in the place of a result", function()
    local tensors = M.made "moonweld soup --models headed.safetensors plain.safetensors other.safetensors --weight 2 1 1 --missing base"
    assert.same({ 9, 9 }, { table.unpack(tensors["lm_head.weight"]) })
  end)
end)

describe("--missing base in a recipe's own words", function()
  local function tensors(a, b) return { ["model.layers.0.w"] = { "F32", { 2 }, a }, ["lm_head.weight"] = b and { "F32", { 2 }, b } } end
  M.safetensors("whole.safetensors", tensors({ 1, -2 }, { 8, 0.5 }))
  M.safetensors("lacking.safetensors", tensors { 3, 4 })
  --- What a recipe of base and expert makes of the two tensors, where the expert lacks the head.
  local function makes(expression)
    M.write("own.lua", 'return recipe { "d", arg.model("base", "b"), arg.model("expert", "e"), arg.seed(), function(a)\n' ..
      "local base, expert, seed = a.base, a.expert, a.seed\nlocal m = " .. expression .. "\nreturn where(m:eq(m), m, m:abs()) end }") -- of no known weight
    local made, said = M.made "moonweld ./own.lua --base whole.safetensors --expert lacking.safetensors --missing base"
    assert.is_truthy(said:find("expert: 1 tensor that it lacks is the donor's", 1, true), said)
    return { table.unpack(made["model.layers.0.w"]) }, { table.unpack(made["lm_head.weight"]) }
  end
  local function gives(expression, layer, head)
    it(expression, function()
      local found_layer, found_head = makes(expression)
      assert.same(layer, found_layer)
      assert.same(head, found_head)
    end)
  end
  gives("2 * expert - base", { 5, 10 }, { 8, 0.5 })
  gives("2 * expert:drop_rescale(0, seed) - base", { 5, 10 }, { 8, 0.5 })
  gives("expert:drop_rescale(1, seed) + base", { 1, -2 }, { 8, 0.5 })
  gives("expert:map(function(t, name) return name == 'lm_head.weight' and t or 3 * t end) + base", { 10, 10 }, { 16, 1 })
  gives("expert:only('*') * 2 - base", { 5, 10 }, { 8, 0.5 })
  gives("base:only('*w*') + expert:only('*w*')", { 4, 2 }, { 16, 1 })
  gives("expert:keep_top(0.5, { count = 'exact' }) + base", { 1, 2 }, { 16, 0.5 })
  gives("expert:keep_top(0.75, { per = 'model', count = 'exact' }) + base", { 4, 2 }, { 16, 0.5 })
  gives("expert:keep_top(0.25, { per = 'model', count = 'exact' }) + base", { 1, -2 }, { 16, 0.5 })
  it("draws for the donor's tensor as for one of its own", function()
    local _, head = makes "expert:drop_rescale(0.5, seed) + base"
    for i, value in ipairs { 8, 0.5 } do assert(head[i] == value or head[i] == 3 * value, head[i]) end
  end)
end)

describe("--rename", function()
  it("is refused in one line where it is malformed, matches nothing or makes two tensors one", function()
    M.refused("moonweld lerp --a plain.safetensors --b other.safetensors --rename nonsense", "--rename 'nonsense' is not of the form FROM=TO")
    M.refused("moonweld lerp --a plain.safetensors --b other.safetensors --rename 'x.*=*'", "no tensor of the inputs is called 'x.*'")
    M.refused("moonweld lerp --a plain.safetensors --b other.safetensors --rename 'b:*.up.weight=one'", "the name 'one'")
    M.refused("moonweld lerp --a plain.safetensors --b other.safetensors --rename 'model.layers.*=model.blocks.*'", "no input would share more names")
  end)

  it("is part of the recorded command", function()
    M.safetensors("wrapped.safetensors", names("module.", 4, 3))
    local _, _, out = M.made "moonweld lerp --a plain.safetensors --b wrapped.safetensors --rename 'b:module.*=*'"
    assert.is_truthy(M.bytes(out .. "/merge.lock.json"):find("--rename 'b:module.*=*'", 1, true))
  end)
end)

describe("a recipe that renames", function()
  M.safetensors("checkpoint.safetensors", { ["first_stage_model.a.w"] = { "F16", { 2 }, 1 }, ["first_stage_model.b.w"] = { "F16", { 2 }, 2 },
    ["model.x.w"] = { "F16", { 2 }, 3 }, ["ids"] = { "I64", { 2 }, 7 } })
  M.safetensors("vae.safetensors", { ["a.w"] = { "F32", { 2 }, 10 }, ["b.w"] = { "F32", { 2 }, 20 } })
  local function recipe(text)
    M.write("own.lua", 'return recipe { "Own.", arg.model("model", "a checkpoint"), arg.model("vae", "its vae"),\nfunction(a) return ' .. text .. " end }")
    return "moonweld ./own.lua --model checkpoint.safetensors --vae vae.safetensors"
  end

  it("bakes another model's tensors into a checkpoint, in the checkpoint's dtype", function()
    local tensors = M.made(recipe 'a.model:with(a.vae:rename("*", "first_stage_model.*"))')
    assert.same({ dtype = "F16", shape = "2", 10, 10 }, tensors["first_stage_model.a.w"])
    assert.same({ dtype = "F16", shape = "2", 3, 3 }, tensors["model.x.w"])
    assert.same({ dtype = "I64", shape = "2", 7, 7 }, tensors["ids"])
  end)

  it("renames by a function, drops what it gives no name, and carries integers along", function()
    local tensors = M.made(recipe 'a.model:rename(function(name) if name:find("first") then return nil end return "new." .. name end)')
    local left = {}
    for name in pairs(tensors) do left[#left + 1] = name end
    table.sort(left)
    assert.same({ "new.ids", "new.model.x.w" }, left)
  end)

  it("is told of a name that is mistyped, used twice or not there, with its line", function()
    M.refused(recipe 'a.model:with(a.vae:rename("*", "frist_stage_model.*"))', "own.lua:2", "'frist_stage_model.a.w'", "did you mean 'first_stage_model.a.w'")
    M.refused(recipe 'a.vae:rename("*.w", "w")', "own.lua:2", "would both be called 'w'")
    M.refused(recipe 'a.vae:rename("x*", "y*")', "own.lua:2", "no tensor is called 'x*'")
    M.refused(recipe 'a.vae:rename("*", "**")', "more '*'")
  end)

  it("may add tensors that the donor lacks, if it says so", function()
    local tensors = M.made(recipe 'a.model:with(a.vae:rename("*", "new.*"), {add = true})')
    assert.same({ dtype = "F32", shape = "2", 20, 20 }, tensors["new.b.w"])
    M.refused(recipe 'a.model:with(a.vae)', "has no tensor 'a.w' to be replaced", "{add = true}")
  end)

  it("is told the renaming of a model whose names begin otherwise, where it is put into another", function()
    local inner, outer = {}, { ["vision.x.weight"] = { "F32", { 2 }, 1 } }
    for _, name in ipairs { "lm_head.weight", "model.embed.weight", "model.layers.0.q.weight", "model.layers.0.up.weight" } do
      inner[name], outer["language_model." .. name] = { "F32", { 2 }, 2 }, { "F32", { 2 }, 1 }
    end
    M.safetensors("inner.safetensors", inner)
    M.safetensors("outer.safetensors", outer)
    M.write("body.lua", 'return recipe { "A test.", arg.model("m", "a model"), arg.model("body", "another"), arg("from", "*", "names"), arg("to", "*", "names"), ' ..
      'function(a)\nreturn a.m:with(a.from == a.to and a.body or a.body:rename(a.from, a.to))\nend }\n')
    M.refused("moonweld ./body.lua --m outer.safetensors --body inner.safetensors", "m has no tensor 'lm_head.weight' to be replaced",
      'with(other:rename("*", "language_model.*")) has 4 of its 4 names')
    assert.equal(2, M.made("moonweld ./body.lua --m outer.safetensors --body inner.safetensors --to 'language_model.*'")["language_model.lm_head.weight"][1])
  end)

  it("is told how heads of other classes are kept", function()
    local function classifier(name, classes, more)
      local tensors = { ["model.q.weight"] = { "F32", { 2, 2 }, classes },
        ["model.classifier.weight"] = { "F32", { classes, 2 }, classes }, ["model.classifier.bias"] = { "F32", { classes }, classes } }
      for key, tensor in pairs(more or {}) do tensors[key] = tensor end
      M.safetensors(name .. ".safetensors", tensors)
    end
    classifier("two", 2)
    classifier("three", 3)
    M.refused("moonweld lerp --a two.safetensors --b three.safetensors", "b: tensor 'model.classifier.bias' is [3] here and [2] in a",
      "--rename 'b:model.classifier.*=other.*' --missing base leaves out this one: the output has a's")
    local out = M.made("moonweld lerp --a two.safetensors --b three.safetensors --rename 'b:model.classifier.*=other.*' --missing base")
    assert.same({ 2.5, 2 }, { out["model.q.weight"][1], out["model.classifier.bias"][1] })
    M.refused("moonweld task_arithmetic --experts two.safetensors --base three.safetensors", "--rename 'experts[1]:model.classifier.*=other.*' --missing base")
    classifier("wide", 3, { ["model.q.weight"] = { "F32", { 2, 3 }, 1 } }) -- another architecture: no head
    local said = M.refused("moonweld lerp --a two.safetensors --b wide.safetensors", "is [3] here and [2] in a")
    assert.is_nil(said:find("--rename", 1, true))
  end)

  it("meets the names of another model where the two are combined", function()
    M.refused(recipe "lerp(a.model, a.vae, 0.5)", "own.lua:2", "nothing of vae would be merged")
    local tensors = M.made(recipe 'a.model:with(lerp(a.model:only("first*"), a.vae:rename("*", "first_stage_model.*"), 0.5))')
    assert.same({ dtype = "F16", shape = "2", 5.5, 5.5 }, tensors["first_stage_model.a.w"])
  end)
end)
