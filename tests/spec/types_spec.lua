--- What editors and luacheck are told of the language of recipes, against the language itself: the words of env.lua, the methods of values, and
--- the operations of the tables in src.
package.path = "tests/spec/?.lua;" .. package.path
local mock = require "mock_core"
local _, core = mock.prelude({})
local E, V = core.module "env", core.module "value"
local elementwise = dofile "src/tools/elementwise.lua" ()

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

--- What types.lua declares: functions that stand alone, and methods of any class.
local types, functions, methods = read "lua/moonweld/types.lua", {}, {}
for name in types:gmatch "\nfunction ([%w_]+)%(" do functions[name] = true end
for class, name in types:gmatch "\nfunction (%u%w*):([%w_]+)%(" do methods[name] = class end

local standard = {}
assert(loadfile("lua/moonweld/recipe.luacheckrc", "t", setmetatable(standard, { __index = _G })))()

describe("the editor types", function()
  it("declare every word of recipes, and no other", function()
    for name in pairs(E.vocabulary) do assert(functions[name], "types.lua lacks " .. name) end
    for name in pairs(functions) do
      assert(E.vocabulary[name] or name == "require" or name == "part", "types.lua declares " .. name .. ", which recipes do not have")
    end
  end)
  it("declare every method of values", function()
    for name in pairs(V.methods) do assert(methods[name], "types.lua lacks the method " .. name) end
  end)
  it("declare every operation of elementwise.def, with its meaning", function()
    for _, entry in ipairs(elementwise) do
      local name = entry.written:match "^x:([%w_]+)%(" or entry.written:match "^([%w_]+)%("
      if name then
        assert(methods[name] or functions[name], "types.lua lacks " .. entry.written)
        assert(types:find(entry.meaning, 1, true), "types.lua does not say what " .. entry.written .. " is: " .. entry.meaning)
      end
    end
  end)
  it("are where .luarc.json says", function()
    local rc = read ".luarc.json"
    local folder = rc:match '"workspace.library"%s*:%s*%[%s*"([^"]+)"'
    assert.equal(types, read(folder))
    assert.is_truthy(rc:find('"runtime.version": "Lua 5.4"', 1, true))
  end)
  it("compile, and do nothing", function() assert(loadfile "lua/moonweld/types.lua")() end)
end)

describe("the luacheck standard", function()
  local words, env = standard.std.read_globals, E.environment()
  it("knows every word of recipes", function()
    local known = {}
    for key, value in pairs(words) do known[type(key) == "number" and value or key] = true end
    for name in pairs(E.vocabulary) do assert(known[name], "recipe.luacheckrc lacks " .. name) end
  end)
  it("knows no word that recipes do not have", function()
    for key, value in pairs(words) do
      local name = type(key) == "number" and value or key
      assert(env[name] ~= nil, name)
      for field in pairs(type(value) == "table" and value.fields or {}) do assert(env[name][field] ~= nil, name .. "." .. field) end
    end
  end)
  it("holds recipes of other folders", function()
    if not os.execute "command -v luacheck > /dev/null" then return print "skipped: luacheck is not here" end
    local folder = os.tmpname()
    os.remove(folder)
    assert((os.execute("mkdir '" .. folder .. "'")))
    local function finds(text)
      local file = assert(io.open(folder .. "/mine.lua", "wb"))
      file:write(text)
      file:close()
      local pipe = assert(io.popen(("cd '%s' && luacheck --no-color --config '%s/lua/moonweld/recipe.luacheckrc' mine.lua"):format(folder,
        os.getenv "PWD")))
      local said = pipe:read "a"
      pipe:close()
      return said
    end

    local good = 'return recipe { "Mean.", arg.models("models", "peers"), function(a) return mean(a.models) end }\n'
    assert((finds(good):find("0 warnings / 0 errors")), "luacheck said something else")
    assert((finds(good:gsub("mean%(", "meen(")):find("undefined variable 'meen'")), "luacheck said something else")
    assert((finds(good:gsub("arg.models", "arg.modles")):find("undefined field 'modles'")), "luacheck said something else")
    assert((finds('os.exit()\n' .. good):find("variable 'os'")), "luacheck said something else")
    os.execute("rm -r '" .. folder .. "'")
  end)
end)
