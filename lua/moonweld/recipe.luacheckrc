-- recipe.luacheckrc: what recipes may use, for luacheck: `luacheck --config FOLDER/recipe.luacheckrc mine.lua`, wherever the recipe lies.
-- tests/spec/types_spec.lua holds it against the vocabulary of recipes (env.lua).
local function fields(names)
  local list = {}
  for name in names:gmatch "%S+" do list[name] = {} end
  return { fields = list }
end

std = { read_globals = {
  "assert", "error", "ipairs", "pairs", "print", "tonumber", "tostring", "require", "part", "select", "type",
  "recipe", "where", "nonzero", "ratio", "lerp", "sum", "mean", "min", "max", "models", "layers", "pick", "setting", "sign_trim", "stack", "join",
  "adapter", "zeros", "constant", "matmul", "minimise", "svd", "low_rank", "orthogonal", "qr", "eigh", "solve", "pinv", "assign", "disjoint_mean",
  "list", "sort", "median", "var", "std", "argmin", "choose", "dot", "dots",
  "learn", "prompts", "logits", "gram", "inputs", "hidden", "fisher", "gradient", "cosine_penalty", "kl", "cross_entropy", "entropy", "mse",
  "architecture", "linear", "embedding", "rms_norm", "layer_norm", "rope", "attention", "silu", "gelu", "softmax", "log_softmax",
  arg = fields "model models adapter adapters parts words maybe choice each seed score calibration from profile",
  math = fields "pi huge maxinteger mininteger abs ceil floor fmod max min modf sqrt tointeger ult type exp log tanh sin cos acos round sign",
  string = fields "byte char find gmatch len lower match reverse sub upper rep gsub format",
  table = fields "concat insert move pack remove sort unpack",
} }
max_line_length = 200
