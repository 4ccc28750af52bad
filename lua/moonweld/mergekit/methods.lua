--- methods.lua: mergekit's methods: how many models each takes, its parameters with their defaults, and how it is said here. Parameters
-- of the whole are `shared`, those of each model `each`: { name, default, kind } with the kinds number, truth, whole; without a default
-- the value is needed.
--
-- base: "needed"; "optional"; or "model": a base among the models is one of them. least, most: how many models beside the base.
-- call: the recipe, its arguments, and what mergekit calls them: "scale = lambda" is `scale` from the parameter `lambda`; of each model
-- one in a list. A function (setting, text) makes the argument of the parameter.
local M = {}

local function one_minus(text) return tonumber(text) and ("%.17g"):format(1 - text) or "1 - " .. text end

local lambda, int8 = { "lambda", 1 }, { "int8_mask", false, "truth", ignored = true }

local function task_vectors(recipe, normalize, rescale, each, arguments)
  local all = { { "scale", "lambda" }, { "weight", "weight" }, { "normalize", "normalize" } }
  for _, argument in ipairs(arguments) do all[#all + 1] = argument end
  local params = { { "weight" }, table.unpack(each) }
  return { base = "needed", least = 0, recipe = recipe, base_as = "base", models_as = "experts", arguments = all, each = params,
    shared = { { "normalize", normalize, "truth" }, rescale or { "rescale", false, "truth", ignored = true }, lambda, int8 } }
end

local density = { "density", 1 }
local dropped = { { "drop", "density", one_minus }, { "rescale", "rescale", function(text) return text == "true" and '"l1"' or '"none"' end } }

M.linear = { base = "model", least = 1, recipe = "linear", models_as = "models", shared = { { "normalize", true, "truth" } }, each = { { "weight" } },
  arguments = { { "weight", "weight" }, { "normalize", "normalize" } } }
M.slerp = { base = "needed", least = 1, most = 1, recipe = "slerp", base_as = "a", models_as = "b", shared = { { "t" } }, each = {},
  arguments = { { "t", "t" } } }
M.passthrough = { base = "model", least = 1, most = 1, shared = {}, each = { { "scale", 1 } } }
M.task_arithmetic = task_vectors("task_arithmetic", false, nil, { { "density", 1, ignored = true } }, {})
M.ties = task_vectors("ties", true, { "rescale", false, "truth" }, { density },
  { { "profile", '"mergekit"' }, { "density", "density" }, { "rescale", "rescale", function(text) return text == "true" and '"l1"' or '"none"' end } })
M.dare_linear = task_vectors("dare_linear", false, { "rescale", true, "truth" }, { density }, dropped)
M.dare_ties = task_vectors("dare_ties", false, { "rescale", true, "truth" }, { density }, { { "profile", '"mergekit"' }, table.unpack(dropped) })
M.dare_linear.random, M.dare_ties.random = true, true

return M
