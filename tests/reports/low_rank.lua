--- low_rank.lua: what the cases of adapters count with: tensors of numbers that f32 and bf16 hold exactly, and whose products do too, so that
-- W + scale * B A in plain Lua has the same bits.
local low_rank = {}

function low_rank.numbers(count, seed)
  local list = {}
  for i = 1, count do list[i] = ((i * 7 + seed * 13) % 17 - 8) / 16 end
  return list
end

--- A tensor of that shape for M.safetensors.
function low_rank.tensor(seed, ...)
  local count = 1
  for _, n in ipairs { ... } do count = count * n end
  return { "F32", { ... }, low_rank.numbers(count, seed) }
end

--- W + scale * (left * right), row after row.
function low_rank.added(w, scale, left, right, rows, rank, columns)
  local list = {}
  for i = 0, rows - 1 do
    for j = 0, columns - 1 do
      local sum = 0
      for k = 0, rank - 1 do sum = sum + left[i * rank + k + 1] * right[k * columns + j + 1] end
      list[i * columns + j + 1] = w[i * columns + j + 1] + scale * sum
    end
  end
  return list
end

function low_rank.turned(list, rows, columns)
  local out = {}
  for i = 0, rows - 1 do for j = 0, columns - 1 do out[j * rows + i + 1] = list[i * columns + j + 1] end end
  return out
end

return low_rank
