--- methods.lua: mergekit's methods: how many models each takes, its parameters with their defaults, and how it is said here. For example
-- of model_stock: it needs a base and at least two models beside it; its parameter `filter_wise` becomes the argument `per` of the
-- recipe model_stock, whose other arguments are `base` and `experts`.
--
--   base      "needed"; "optional"; or "model": a base among the models is one of them
--   least, most   how many models beside the base
--   shared, each  parameters of the whole and of each model: { name, default, kind }; without a default the value is needed. kind: nil
--             for a number, "truth", "whole"; `share`: a number that counts as 0 below 0 and as 1 above 1; `ignored`: changes no result
--   recipe    with base_as, models_as, and `arguments`: { argument, parameter[, function of the parameter's text] } or
--             { argument, text = ... }
local M = {}

local function one_minus(text) return tonumber(text) and ("%.15g"):format(1 - text) or "1 - " .. text end
local function l1(text) return text == "true" and '"l1"' or '"none"' end

local weight, density = { "weight" }, { "density", 1, share = true }
local lambda, int8, plus = { "lambda", 1 }, { "int8_mask", false, "truth", ignored = true }, { "profile", text = '"mergekit"' }
local ignored_rescale, ignored_density = { "rescale", false, "truth", ignored = true }, { "density", 1, ignored = true }
local drop = { "drop", "density", one_minus }
local as_l1, as_truth = { "rescale", "rescale", l1 }, { "rescale", "rescale" }

--- base + lambda * a combination of task vectors, each with its weight.
local function task_vectors(recipe, normalize, rescale, each, arguments, random)
  local all = { { "weight", "weight" }, table.unpack(arguments) }
  all[#all + 1], all[#all + 2] = { "scale", "lambda" }, { "normalize", "normalize" }
  return { base = "needed", least = 0, recipe = recipe, base_as = "base", models_as = "experts", arguments = all, each = { weight, table.unpack(each) },
    shared = { { "normalize", normalize, "truth" }, rescale, lambda, int8 }, random = random }
end

local function rescaled(default) return { "rescale", default, "truth" } end

M.linear = { base = "model", least = 1, recipe = "linear", models_as = "models", shared = { { "normalize", true, "truth" } }, each = { weight },
  arguments = { { "weight", "weight" }, { "normalize", "normalize" } } }
M.slerp = { base = "needed", least = 1, most = 1, recipe = "slerp", base_as = "a", models_as = "b", shared = { { "t" } }, each = {}, arguments = { { "t", "t" } } }
M.passthrough = { base = "model", least = 1, most = 1, shared = {}, each = { { "scale", 1 } } }

M.task_arithmetic = task_vectors("task_arithmetic", false, ignored_rescale, { ignored_density }, {})
M.ties = task_vectors("ties", true, rescaled(false), { density }, { plus, { "density", "density" }, as_l1 })
M.dare_linear = task_vectors("dare_linear", false, rescaled(true), { density }, { drop, as_l1 }, true)
M.dare_ties = task_vectors("dare_ties", false, rescaled(true), { density }, { plus, drop, as_l1 }, true)

return M
