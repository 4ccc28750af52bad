--- field.lua: numbers that vary over the tensors of a model: gradients over depth, and choices by name.
local core = ...
local V = core.module("value")
local word = core.module("word").word
local depth = core.module("depth")
local fail = V.fail
local F = {}

--- layers{0, 0.5, 1}: a gradient over depth. Each stack of layers runs over all of it (depth.lua).
F.layers = word("layers{...}", function(values)
  local numbers = {}
  if V.kind(values) ~= "table" then return (fail("layers{...} takes numbers in braces")) end
  for i, value in ipairs(V.items(values)) do
    if type(value) ~= "number" or value ~= value then return (fail("layers{...} takes plain numbers")) end
    numbers[i] = value
  end
  if #numbers == 0 then return (fail("layers{} is empty")) end
  if #numbers == 1 then return numbers[1] end
  return (V.new("field", { numbers = numbers, at = function(name, measured)
    local place = depth.of(name, measured) * (#numbers - 1)
    local low = math.floor(place)
    if low >= #numbers - 1 then return numbers[#numbers] end
    return numbers[low + 1] + (numbers[low + 2] - numbers[low + 1]) * (place - low)
  end }))
end)

--- Raises, by `complain`, where a glob matches no tensor of any model.
function F.check_glob(glob, complain)
  if type(glob) ~= "string" then return (fail("a name pattern is a text, not %s", V.called(glob))) end
  if #core.models == 0 then return end
  local words = {}
  for _, model in ipairs(core.models) do
    for _, name in ipairs(model.names) do
      if core.glob(glob, name) then return end
      words[#words + 1] = name
    end
  end
  return ((complain or fail)("no tensor is called '%s'%s", core.shown(glob), core.module("suggest").hint(glob, words)))
end

local function pick(entries, complain)
  local pairs_of, default, members = {}, entries[#entries], { entries[#entries] }
  for i = 1, #entries - 1 do
    F.check_glob(entries[i][1], complain)
    pairs_of[i], members[i + 1] = { entries[i][1], entries[i][2] }, entries[i][2]
  end
  return (V.new("field", { members = members, at = function(name, measured)
    for _, entry in ipairs(pairs_of) do
      if core.glob(entry[1], name) then return (V.at(entry[2], name, measured)) end
    end
    return (V.at(default, name, measured))
  end }))
end

--- pick{ {glob, number or field}, ..., default }: the first that matches.
F.pick = word("pick{...}", function(entries)
  if V.kind(entries) ~= "table" then return (fail("pick{...} takes pairs and a default in braces")) end
  entries = V.items(entries)
  local function is_number(x) return type(x) == "number" or V.kind(x) == "field" end
  if not is_number(entries[#entries]) then return (fail("pick{...} ends with a default number")) end
  for i = 1, #entries - 1 do
    local entry = entries[i]
    if V.kind(entry) ~= "table" or #V.items(entry) ~= 2 or type(entry[1]) ~= "string" or not is_number(entry[2]) then
      return (fail("entry %d of pick{...} is not {pattern, number}", i))
    end
  end
  return (pick(entries, fail))
end)

--- Every number that a field is made of, for limits.
function F.numbers(field, visit)
  if type(field) == "number" then return (visit(field)) end
  local private = V.data(field)
  for _, number in ipairs(private and private.numbers or {}) do visit(number) end
  for _, member in ipairs(private and private.members or {}) do F.numbers(member, visit) end
end

--- Numbers with commas as typed, with or without "layers:" before them; nil if they are something else.
function F.typed_numbers(text)
  local numbers = {}
  for part in (text:gsub("^layers:", "") .. ","):gmatch("([^,]*),") do
    local number = tonumber(part)
    if not number or number ~= number or math.abs(number) == math.huge or part:find("[xX]") then return nil end
    numbers[#numbers + 1] = number
  end
  return numbers
end

local function trimmed(text) return (text:match("^%s*(.-)%s*$")) end

--- What was typed for a number: "0.5", a gradient "0,0.5,1" (or "layers:0,0.5,1"), or a choice "*q_proj*=0,1; 0.5".
function F.parse(typed, complain)
  local function numbers_of(text)
    local numbers = F.typed_numbers(text)
    if numbers then return (F.layers(numbers)) end
    if trimmed(text) == "" then complain("found nothing, expected a number or a gradient such as 0,0.5,1") end
    local percent = tonumber(text:match("^%s*([%d.]+)%s*%%%s*$"))
    if percent then return (complain("'%s' is written %s", core.shown(text), ("%.14g"):format(percent / 100))) end
    return (complain("'%s' is not a number, nor a gradient such as 0,0.5,1", core.shown(text)))
  end
  if not typed:find("[=;]") then return (numbers_of(typed)) end
  local form, parts, entries = "\"PATTERN=NUMBER; NUMBER\"", {}, {}
  for part in (typed .. ";"):gmatch("([^;]*);") do parts[#parts + 1] = trimmed(part) end
  for i, part in ipairs(parts) do
    local glob, value = part:match("^(.-)%s*=%s*(.*)$")
    if glob == "" then return (complain("'%s' names no tensors before its '=': %s", core.shown(part), form)) end
    if value == "" then return (complain("'%s' has no number behind its '=': %s", core.shown(part), form)) end
    if part == "" or (glob == nil) ~= (i == #parts) then
      return (complain("'%s' is not pairs with a default at their end: %s", core.shown(typed), form))
    end
    entries[i] = glob and { glob, numbers_of(value) } or numbers_of(part)
  end
  return (pick(entries, complain))
end

return F
