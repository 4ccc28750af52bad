--- show.lua: numbers that are known only when the merge runs, to be told then: to standard error, and in the lock file. What is known
-- while planning is printed at once.
local core = ...
local V = core.module("value")
local word = core.module("word").word
local fail, kind, data = V.fail, V.kind, V.data
local S = { shown = {} } -- { label, number } in the order in which they were asked for

local MOST = 65536

local function show(x, label)
  local what = kind(x)
  if what == "number" then core.print(("%s: %.9g"):format(label, x))
  elseif what == "list" then for i, item in ipairs(data(x).items) do show(item, ("%s[%d]"):format(label, i)) end
  elseif what == "model" then for _, name in ipairs(data(x).names) do show(data(x).nodes[name], label .. " " .. name) end
  elseif what ~= "node" or core.is_tensor(x) then
    fail("show(label) tells numbers, not %s -- reduce it first, as in x:norm():show(\"norm\")", V.called(x))
  else
    if #S.shown == MOST then fail("a recipe shows %d numbers at most", MOST) end
    S.shown[#S.shown + 1] = { label, x }
  end
end

word("x:show(label)", function(x, label)
  if type(label) ~= "string" or label == "" or #label > 200 or not core.plain(label) then
    return (fail("show(label) takes a short text that says what the number is, such as \"norm\", not %s",
      type(label) == "string" and "one that is empty, of more than 200 bytes or with control characters" or V.called(label)))
  end
  show(x, label)
  return x
end)

return S
