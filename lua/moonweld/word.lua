--- word.lua: a word of the vocabulary is declared by how it is written, which says how many arguments it takes:
--   x:clamp(low, high)                     two, on any value; model: list: seed: ... on values of that kind alone
--   where(mask, x, y)                      three, on its own
--   linear(x, weight[, bias])              what stands in [...] may be left out
--   x:keep_top(density, {per=, count=})    options in braces, too; they are these
--   seed:at(...)  learn{...}               any number; one table
--   u, s, v = svd(x[, rank])               up to three results
-- Anything more is an error: x:norm{dim = 1} must not be the norm of the whole tensor without a word about it.
local core = ...
local V = core.module("value")
local suggest = core.module("suggest")
local fail, kind = V.fail, V.kind
local W = {}

W.form_of = setmetatable({}, { __mode = "k" }) -- how a word is written, by its function
W.written = {} -- the same by its name

local function count(arguments)
  local n = 0
  for _ in arguments:gsub("%b()", ""):gmatch("[^,]+") do n = n + 1 end
  return n
end

--- Of "(x, weight[, bias])": the least and the most arguments, and the names of the options, if it takes any.
local function read(form)
  local inside = form:match("%((.*)%)$")
  if not inside then return 1, 1 end
  local first, rest = inside:match("^(.-)%[(.*)%]$")
  if first then return count(first), count(first) + count(rest) end
  first, rest = inside:match("^(.-),? ?{(.*)}$")
  if first then
    local names = {}
    for name in rest:gmatch("[%w_]+") do names[#names + 1] = name end
    return count(first), count(first) + 1, names
  end
  if inside:find("%.%.%.$") then return count(inside) - 1, math.huge end
  return count(inside), count(inside)
end

local function told(x)
  if kind(x) == "number" then return (tostring(x)) end
  if kind(x) == "string" then return "'" .. core.shown(x) .. "'" end
  if kind(x) ~= "table" then return (V.called(x)) end
  local names = {}
  for key in pairs(x) do if type(key) == "string" then names[#names + 1] = core.shown(key) .. " = " end end
  table.sort(names)
  return "{" .. table.concat(names, "..., ") .. "...}"
end

function W.check_options(options, names)
  if options == nil then return end
  if kind(options) ~= "table" then fail("options are named in braces, such as {%s = ...}, not %s", names[1], V.called(options)) end
  local known = {}
  for _, name in ipairs(names) do known[name] = true end
  for key in pairs(options) do
    local axis = known.per and (key == "dim" or key == "axis") and ' -- did you mean per = "row"?'
    if not known[key] then fail("there is no option '%s' here%s", core.shown(tostring(key)), axis or suggest.key(tostring(key), known)) end
  end
end

--- The function `f` as the word that is written so: it counts arguments and knows its options. `instead`: what somebody who
--- gives more may have meant. A word of values is from now on theirs.
function W.word(form, f, instead)
  local least, most, options -- read when the word is first used: most recipes use few
  local several = form:find(" = ", 1, true)
  local owner, name = form:match("^(%l+):([%w_]+)")
  name = name or form:match(several and " = ([%l_%d%.]+)" or "^[%l_%d%.]+")
  local function word(...)
    if not least then
      least, most, options = read(form)
      if owner then least, most = least + 1, most + 1 end
    end
    local given = select("#", ...)
    if given < least then fail("this is written %s", form) end
    for i = most + 1, given do
      local more = (select(i, ...))
      if more ~= nil then fail("this is written %s, without %s%s", form, told(more), instead and " -- " .. instead or "") end
    end
    if options and given >= most then W.check_options((select(most, ...)), options) end
    if given > most then return (f(table.unpack({ ... }, 1, most))) end
    if several then
      local first, second, third = f(...)
      return first, second, third
    end
    return (f(...))
  end
  W.form_of[word], W.written[name] = form, W.written[name] or form
  if owner then (V.only_for[owner] or V.methods)[name] = word end
  return word
end

--- A word of models, for lists of models too: of each member, with its own member where an argument is a list.
function W.of_members(name)
  local f = V.only_for.model[name]
  local function each(list, ...)
    local given, members, n = { ... }, {}, select("#", ...)
    for k = 1, n do
      if kind(given[k]) == "list" and #given[k] ~= #list then fail("lists of %d and %d members do not pair up", #list, #given[k]) end
    end
    for i, member in ipairs(V.items(list)) do
      local own = {}
      for k = 1, n do own[k] = kind(given[k]) == "list" and V.items(given[k])[i] or given[k] end
      if kind(member) == "list" then members[i] = each(member, table.unpack(own, 1, n))
      elseif kind(member) == "model" then members[i] = f(member, table.unpack(own, 1, n))
      else fail("'%s' is a word of models, and member %d of the list is %s", name, i, V.called(member)) end
    end
    return (V.list(members))
  end
  W.word((W.form_of[f]:gsub("^model", "list")), each)
end

return W
