--- adapted.lua: the small base model of the specs of adapters, folders with adapters of it, and what they give, in plain Lua.
package.path = "tests/reports/?.lua;" .. package.path
local assert, M, low_rank = require "luassert", require "models", require "low_rank"
local numbers, tensor, added = low_rank.numbers, low_rank.tensor, low_rank.added
local adapted = { config = '{"model_type": "toy", "num_hidden_layers": 1}' }
adapted.Q, adapted.UP, adapted.EMBED, adapted.CONV = "model.layers.0.q", "model.layers.0.up", "model.embed", "model.conv"
adapted.SQUARE = "model.layers.0.square"

adapted.base = {
  ["model.layers.0.q.weight"] = tensor(1, 6, 4), ["model.layers.0.q.bias"] = tensor(2, 6), ["model.layers.0.up.weight"] = tensor(3, 5, 4),
  ["model.embed.weight"] = tensor(4, 7, 4), ["model.conv.weight"] = tensor(5, 3, 2, 3, 3), ["model.layers.0.square.weight"] = tensor(6, 4, 4),
}

--- Writes the base model; a spec that uses it begins with this.
function adapted.write_base() M.model("base", adapted.base, adapted.config) end

--- The two factors of a module, as peft names them.
function adapted.factors(module, rank, out, inputs, seed, more)
  local list = { ["base_model.model." .. module .. ".lora_A.weight"] = tensor(seed, rank, inputs), ["base_model.model." .. module .. ".lora_B.weight"] = tensor(seed + 1, out, rank) }
  for name, value in pairs(more or {}) do list[name] = value end
  return list
end

local written = 0
--- An adapter's folder with this configuration.
function adapted.folder(tensors, configuration)
  written = written + 1
  local folder = "adapter" .. written
  M.safetensors(folder .. "/adapter_model.safetensors", tensors)
  M.write(folder .. "/adapter_config.json", configuration)
  return folder
end
--- That of a LoRA; `settings` are the keys of its configuration beside peft_type.
function adapted.adapter(tensors, settings)
  return adapted.folder(tensors, '{"peft_type": "LORA", ' .. (settings or '"r": 2, "lora_alpha": 4') .. "}")
end

function adapted.join(...)
  local all = {}
  for _, list in ipairs { ... } do for name, value in pairs(list) do all[name] = value end end
  return all
end

function adapted.same(found, expected)
  assert.equal(#expected, #found)
  for i, value in ipairs(expected) do assert.equal(value, found[i], "element " .. i) end
end
function adapted.near(found, expected)
  assert.equal(#expected, #found)
  for i, value in ipairs(expected) do assert.is_true(math.abs(value - found[i]) <= 1e-6 * (1 + math.abs(value)), ("element %d: %.9g, expected %.9g"):format(i, found[i], value)) end
end

--- The base with this adapter, merged; and its Q with factors of that seed, in plain Lua.
function adapted.with(folder) return (M.made("moonweld soup --models base+" .. folder)) end
function adapted.q(scale, seed) return added(adapted.base[adapted.Q .. ".weight"][3], scale, numbers(12, seed + 1), numbers(8, seed), 6, 2, 4) end

return adapted
