--- recipe.lua: recipe{...}: a function from models to models with a signature that the command line, help and other
-- recipes read.
local core = ...
local V, A, S = core.module("value"), core.module("arg"), core.module("seed")
local fail, kind = V.fail, V.kind
local R = {}

local signatures = setmetatable({}, { __mode = "k" })
A.signature_of = function(recipe) return signatures[recipe] end
R.signature_of = A.signature_of

--- The defaults that a profile changes are checked as if they were declared.
local function check_profiles(signature)
  for word, defaults in pairs(signature.profiles) do
    for name, default in pairs(defaults) do
      local arg = signature.by_name[name]
      if not arg or arg.default == nil then
        fail("profile '%s' changes the default of '%s', which this recipe does not have", word, core.shown(tostring(name)))
      end
      A.check_default(arg, default)
    end
  end
end

local function collect(parts)
  local signature = { args = {}, by_name = {}, profiles = {} }
  local suggest = core.module("suggest")
  for key in pairs(parts) do
    if type(key) ~= "number" and key ~= "paper" and key ~= "mergekit" then
      fail("recipe{...} has no field '%s'%s", core.shown(tostring(key)), type(key) == "string" and suggest.hint(key, { "paper", "mergekit" }) or "")
    end
  end
  local function add(arg)
    if signature.by_name[arg.name] then fail("argument '%s' is declared twice", arg.name) end
    if #signature.args >= 64 then fail("a recipe has at most 64 arguments") end
    if arg.kind == "each" and not signature.models then fail("arg.each('%s') follows the arg.models that it goes with", arg.name) end
    signature.models = signature.models or arg.kind == "models"
    signature.args[#signature.args + 1], signature.by_name[arg.name] = arg, arg
    signature.profiles = arg.profiles or signature.profiles
  end
  for i, part in ipairs(parts) do
    if type(part) == "string" then
      if i ~= 1 then fail("only the first entry of recipe{...} is a text: what the recipe does") end
      signature.summary = part
    elseif type(part) == "function" then
      if i ~= #parts then fail("the function is the last entry of recipe{...}") end
      signature.run = part
    elseif A.declared(part) then
      for _, arg in ipairs(A.declared(part)) do add(arg) end
    else fail("entry %d of recipe{...} is neither an argument nor the function", i) end
  end
  for _, arg in ipairs(signature.args) do
    local of = arg.kind == "parts" and arg.of
    if of and not (signature.by_name[of] and signature.by_name[of].kind == "string") then
      fail("argument '%s': of = %s is no text argument of this recipe", arg.name, type(of) == "string" and "'" .. core.shown(of) .. "'" or V.called(of))
    end
  end
  check_profiles(signature)
  return signature
end

R.recipe = core.module("word").word("recipe{...}", function(parts)
  if type(parts) ~= "table" then return (fail("recipe takes its parts in braces: recipe{...}")) end
  local signature = collect(parts)
  signature.paper = parts.paper or ""
  if type(signature.summary) ~= "string" or signature.summary == "" then fail("a recipe begins with a sentence that says what it does") end
  for _, text in ipairs { signature.summary, signature.paper } do
    if type(text) ~= "string" or not core.plain(text) or #text > 1000 then
      fail("the texts of a recipe are single lines of UTF-8 without control characters, of at most 1000 bytes")
    end
  end
  signature.mergekit = parts.mergekit or ""
  if type(signature.mergekit) ~= "string" or #signature.mergekit > 1 << 18 or signature.mergekit:find("\0") then
    fail("'mergekit' is the text of the configuration that the recipe was made of, at most 256 KiB")
  end
  if not signature.run then fail("a recipe ends with a function(a) ... end") end
  local recipe = setmetatable({}, {
    __metatable = false,
    __newindex = function() return (fail("a recipe cannot be changed")) end,
    __tostring = function() return "recipe" end,
    __call = function(self, ...) return (R.call(self, ...)) end,
  })
  signatures[recipe] = signature
  return recipe
end)

--- An argument's default under a profile (nil: as declared).
function R.default_of(signature, arg, profile)
  local changed = signature.profiles[profile]
  if changed and changed[arg.name] ~= nil then return changed[arg.name] end
  return arg.default
end

--- Fills the arguments: `value_of(arg, count)` gives what was given, or nil. Lists of `arg.each` follow the models before
-- them, of which there are `count`.
local function fill(signature, value_of, complain)
  local a, count = {}, 0
  local profile = signature.by_name.profile and value_of(signature.by_name.profile)
  for _, arg in ipairs(signature.args) do
    local value, default = value_of(arg, count), R.default_of(signature, arg, profile)
    if value == nil and default ~= nil then value = arg.kind == "each" and { default } or default end
    if arg.kind == "words" and value ~= nil and kind(value) ~= "list" then value = A.some(arg, value, complain) end
    if value == nil and arg.kind == "seed" then value = S.root() end
    if value == nil and arg.kind == "calibration" then value = core.module("learn").data() end
    if value == nil and arg.kind == "models" and arg.optional then value = V.list {} end
    if value == nil and not arg.optional then complain("'%s' is needed: %s", arg.name, arg.doc) end
    if arg.kind == "models" and value then
      count = #V.items(value)
      local function models(limit) return (string.format("%g model%s", limit, limit == 1 and "" or "s")) end
      if arg.min and count < arg.min then complain("'%s' needs at least %s, got %d", arg.name, models(arg.min), count) end
      if arg.max and count > arg.max then complain("'%s' takes at most %s, got %d", arg.name, models(arg.max), count) end
    end
    if arg.kind == "each" then value = A.spread(arg, value, count, complain) end
    if arg.kind == "score" and not value then value = core.module("result").score end
    a[arg.name] = value
  end
  return (setmetatable({}, { __metatable = false, __newindex = function() return (fail("arguments cannot be changed")) end,
    __index = function(_, key)
      if a[key] ~= nil or signature.by_name[key] then return a[key] end
      return (fail("this recipe has no '%s'%s", core.shown(tostring(key)), core.module("suggest").hint(tostring(key), A.names(signature.args))))
    end }))
end

function R.call(recipe, given, ...)
  local signature = signatures[recipe]
  if type(given) ~= "table" or kind(given) ~= "table" or select("#", ...) > 0 then return (fail("a recipe is called with a table: ties{ base = m, experts = {...} }")) end
  for key in pairs(given) do
    if not signature.by_name[key] then
      fail("this recipe has no '%s'%s", core.shown(tostring(key)), core.module("suggest").hint(tostring(key), A.names(signature.args)))
    end
  end
  local a = fill(signature, function(arg)
    if given[arg.name] == nil then return nil end
    return (A.given(arg, given[arg.name]))
  end, fail)
  local result, also = signature.run(a)
  return result, also
end

--- Runs a recipe as the command line asks.
function R.run(recipe, words, models)
  local signature = signatures[recipe]
  local a = fill(signature, function(arg, count)
    if arg.kind == "model" then return models[arg.name] and models[arg.name][1] end
    if arg.kind == "models" then return models[arg.name] and V.list(models[arg.name]) end
    if arg.kind == "parts" then
      local of = words[arg.of] and words[arg.of][1]
      return models[arg.name] and A.ranges(arg, words[arg.name], models[arg.name], of ~= "" and of or nil)
    end
    if words[arg.name] then return (A.typed(arg, words[arg.name], count)) end
    return nil
  end, A.usage)
  local result, also = signature.run(a)
  return result, also
end

return R
