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

--- What one vector is, of nuslerp: the whole tensor, each stored row, or each stored column.
local function per(flatten, row_wise) return flatten == "true" and '"tensor"' or row_wise == "true" and '"column"' or '"row"' end

M.nuslerp = { base = "optional", least = 2, most = 2, recipe = "nuslerp", base_as = "base", models_as = "models", each = { weight },
  shared = { { "nuslerp_flatten", true, "truth" }, { "nuslerp_row_wise", false, "truth" } },
  arguments = { { "weight", "weight" }, { "per", "nuslerp_flatten", per, "nuslerp_row_wise" } } }
M.multislerp = { base = "optional", least = 1, recipe = "multislerp", base_as = "base", models_as = "models", each = { weight },
  shared = { { "normalize_weights", true, "truth" }, { "eps", 1e-8 } },
  arguments = { { "weight", "weight" }, { "normalize", "normalize_weights" }, { "eps", "eps" } } }
-- Within 50 steps it has converged; published files ask for up to 20000.
M.karcher = { base = "model", least = 1, recipe = "karcher", models_as = "models", each = {}, shared = { { "max_iter", 10, "whole" }, { "tol", 1e-5 } },
  arguments = { { "steps", "max_iter", function(text) return ("%d"):format(math.max(1, math.min(50, tonumber(text)))) end }, { "tol", "tol" } } }
M.model_stock = { base = "needed", least = 2, recipe = "model_stock", base_as = "base", models_as = "experts", each = {},
  shared = { { "filter_wise", false, "truth" } }, arguments = { { "per", "filter_wise", function(text) return text == "true" and '"row"' or '"tensor"' end } } }
M.nearswap = { base = "needed", least = 1, most = 1, recipe = "nearswap", base_as = "a", models_as = "b", shared = { { "t" } }, each = {}, arguments = { { "t", "t" } } }
M.arcee_fusion = { base = "needed", least = 1, most = 1, recipe = "arcee_fusion", base_as = "base", models_as = "model", shared = {}, each = {}, arguments = {} }

local gamma, epsilon = { "gamma", 0.01, share = true }, { "epsilon", 0.15 }
local banded, elected = { { "density", "density" }, { "gamma", "gamma" }, as_l1 }, { "elect", text = "true" }
M.breadcrumbs = task_vectors("breadcrumbs", false, rescaled(false), { density, gamma }, banded)
M.breadcrumbs_ties = task_vectors("breadcrumbs", false, rescaled(false), { density, gamma }, { elected, table.unpack(banded) })
local ranked = { { "density", "density" }, { "epsilon", "epsilon" }, as_truth }
--- Where an element is drawn, its probability goes from density - epsilon to density + epsilon.
local function check_range(density_of, epsilon_of)
  if density_of <= 0 or density_of >= 1 or (density_of - epsilon_of > 0 and density_of + epsilon_of < 1) then return nil end
  return ("density %g and epsilon %g: density - epsilon must be above 0, and density + epsilon below 1 (or density 1, which keeps all)"):format(density_of, epsilon_of)
end

M.della = task_vectors("della", true, rescaled(true), { density, epsilon }, ranked, true)
M.della_linear = task_vectors("della_linear", false, rescaled(true), { density, epsilon }, ranked, true)
M.della.check, M.della_linear.check = check_range, check_range

M.sce = { base = "needed", least = 0, recipe = "sce", base_as = "base", models_as = "experts", each = {}, shared = { { "select_topk", 1, share = true }, int8 },
  arguments = { { "topk", "select_topk" } } }
M.ram = { base = "needed", least = 0, recipe = "ram", base_as = "base", models_as = "experts", each = {}, shared = { { "epsilon", 1e-5 } },
  arguments = { { "epsilon", "epsilon" } } }
M.ramplus_tl = { base = "needed", least = 0, recipe = "ram", base_as = "base", models_as = "experts", each = {},
  shared = { { "r", 0.1 }, { "alpha", 0.2 }, { "epsilon", 1e-5 } }, arguments = { { "r", "r" }, { "alpha", "alpha" }, { "epsilon", "epsilon" } } }

return M
