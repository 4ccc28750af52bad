--- suggest.lua: did you mean ...?
local core = ...
local S = {}

--- The word of the list that is nearest to `word`, or nil where none is near.
function S.nearest(word, list)
  local best, least = nil, math.max(1, #word // 3) + 1
  table.sort(list)
  for _, candidate in ipairs(list) do
    if candidate:lower() == word:lower() then return candidate end
    local distance = core.distance(word, candidate)
    if distance < least then best, least = candidate, distance end
  end
  return best
end

function S.hint(word, list)
  local near = S.nearest(word, list)
  return near and (" -- did you mean '" .. near .. "'?") or ""
end

--- The same among the keys of a table.
function S.key(word, table)
  local words = {}
  for key in pairs(table) do words[#words + 1] = key end
  return (S.hint(word, words))
end

return S
