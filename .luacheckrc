-- Recipes see the vocabulary of lua/moonweld/env.lua.
std = "lua54"
max_line_length = 200
exclude_files = { "lua/moonweld/types.lua", "build" }

local recipe = {
  read_globals = { "recipe", "arg", "where", "ratio", "lerp", "sum", "mean", "min", "max", "models", "layers", "pick", "setting", "sign_trim", "stack", "join", "adapter", "zeros", "constant",
    "matmul", "svd", "low_rank", "orthogonal", "qr", "eigh", "solve", "pinv", "assign", "gram", "inputs", "hidden", "fisher", "gradient",
    "disjoint_mean", "list", "sort", "median", "var", "std", "argmin", "choose", "dot", "dots", "learn", "logits", "cosine_penalty", "kl", "cross_entropy", "entropy", "mse", "architecture", "linear", "embedding",
    "rms_norm", "layer_norm", "rope", "attention", "silu", "gelu", "softmax", "log_softmax" },
}
files["recipes"] = recipe
files["recipes/pipelines"] = { std = "lua54", read_globals = {} }
files["lua/moonweld/arch"] = recipe
files["lua/moonweld/skeleton"] = recipe
files["tests/golden"] = recipe
files["tests/methods"] = recipe
files["tests/bench"] = recipe
files["tests/peers"] = recipe
files["tests/spec"] = { std = "lua54+busted" }
