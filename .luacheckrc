-- Recipes see the vocabulary of lua/moonweld/env.lua; hostile recipes are wrong on purpose.
std = "lua54"
max_line_length = 200
exclude_files = { "tests/attacks", "lua/moonweld/types.lua", "build" }

local recipe = {
  read_globals = { "recipe", "arg", "where", "ratio", "lerp", "sum", "mean", "min", "max", "models", "layers", "pick", "sign_trim",
    "disjoint_mean" },
}
files["recipes"] = recipe
files["tests/golden"] = recipe
files["tests/bench"] = recipe
files["tests/spec"] = { std = "lua54+busted" }
