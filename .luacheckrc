-- Recipes see the vocabulary that recipe.luacheckrc tells for those of other folders, too.
local told = {}
local tell = assert(loadfile("lua/moonweld/recipe.luacheckrc", "t", told))
if setfenv then setfenv(tell, setmetatable(told, { __index = _G })) end -- where luacheck runs in Lua 5.1
tell()
stds.recipe = told.std

std = "lua54"
max_line_length = 200
exclude_files = { "lua/moonweld/types.lua", "build" }
for _, folder in ipairs { "recipes", "lua/moonweld/arch", "lua/moonweld/skeleton", "tests/golden", "tests/methods", "tests/bench", "tests/peers" } do
  files[folder] = { std = "recipe" }
end
files["recipes/pipelines"] = { std = "lua54" }
files["tests/spec"] = { std = "lua54+busted" }
files["lua/moonweld/recipe.luacheckrc"] = { globals = { "std", "max_line_length" } }
