--- experts.lua: a file of mergekit-moe, a mixture of experts, as a call of the recipe `moe`. Its gates come from prompts there, which needs
-- a forward pass over them; here they are drawn, or given to the recipe (moe --router FILE).
local core = ...
local N, R = core.module("mergekit/node"), core.module("mergekit/read")
local E = {}
local set = N.set

local keys = {
  top = set "base_model gate_mode dtype experts_per_token experts shared_experts architecture router_aux_loss_coef",
  expert = set "source_model positive_prompts negative_prompts noise_scale residual_scale prompts",
}
local layouts = { mixtral = "mixtral", qwen = "qwen2_moe", qwen2 = "qwen2_moe", qwen3 = "qwen3_moe", deepseek = "deepseek" }

--- Whether a configuration is of this kind.
function E.is_one(root)
  local map = N.map(root, "a configuration")
  return not map.values.merge_method and (map.values.experts ~= nil or map.values.gate_mode ~= nil)
end

--- An entry of `experts`: its model, the deviation of the noise that its MLPs get, and the factor of what they add.
local function expert_of(node)
  local map = N.map(node, "an expert")
  N.check_keys(map, keys.expert, "an expert")
  local noise, scale = N.get(map, "noise_scale"), N.get(map, "residual_scale")
  return { model = R.reference(N.get(map, "source_model") or N.refuse(node, "an expert has no 'source_model'")), node = node,
    noise = noise and N.number(noise, "noise_scale") or 0, scale = scale and N.number(scale, "residual_scale") or 1 }
end

local function experts_of(node)
  local list = {}
  for i, entry in ipairs(N.list(node, "'experts'")) do list[i] = expert_of(entry) end
  if #list < 2 then N.refuse(node, "'experts' has %d: a mixture has 2 or more", #list) end
  return list
end

local function gates_of(map, root)
  local node = N.get(map, "gate_mode")
  local mode = node and N.text(node, "gate_mode") or "hidden"
  if mode == "random" then return "1" end
  if mode == "uniform_random" then
    N.tell(node, "gate_mode: the gates are drawn from a normal distribution here, of the deviation that the uniform one has")
    return "(3 * base.config.hidden_size) ^ -0.5"
  end
  return (N.advise(node or root, "gate_mode: random draws them; moe --router FILE takes rows that another tool has made",
    "gate_mode '%s'%s makes gates from the prompts, which is not done here", core.shown(mode), node and "" or " (the default)"))
end

--- { base =, experts =, shared =, dtype =, add = function(w, indent, script) }
function E.document(root)
  local map = N.map(root, "a configuration")
  N.check_keys(map, keys.top, "a mixture of experts")
  local doc = { map = map, root = root, method_name = "a mixture" }
  doc.base = R.reference(N.get(map, "base_model") or N.refuse(root, "a mixture of experts needs 'base_model'"))
  doc.experts = experts_of(N.get(map, "experts") or N.refuse(root, "a mixture of experts needs 'experts'"))
  doc.spread = gates_of(map, root)
  doc.dtype = R.dtype(map, "dtype")
  local per, shared, kind = N.get(map, "experts_per_token"), N.get(map, "shared_experts"), N.get(map, "architecture")
  doc.per_token = per and math.tointeger(N.number(per, "experts_per_token")) or 2
  if shared and #N.list(shared, "'shared_experts'") > 1 then N.refuse(shared, "'shared_experts' has %d: there is one at most", #shared) end
  doc.shared = shared and shared[1] and expert_of(shared[1])
  if kind then doc.layout = layouts[N.text(kind, "architecture"):lower()] or N.refuse(kind, "architecture is mixtral, qwen, qwen3 or deepseek, not %s", N.shown(kind)) end
  return doc
end

--- The models in the order of the file.
function E.models(doc)
  local models = { doc.base }
  for _, expert in ipairs(doc.experts) do models[#models + 1] = expert.model end
  models[#models + 1] = doc.shared and doc.shared.model
  return models
end

--- An expert's model, as an expression: with its noise, and its last projections times its factor.
local function expression(script, expert)
  local text = script.variable(expert.model)
  if expert.noise ~= 0 then text = ("(%s + %.15g * %s:normal(%s))"):format(text, expert.noise, text, script.seed()) end
  if expert.scale ~= 1 then text = ("(%s * pick{ {\"*.down_proj.weight\", %.15g}, 1 }):unweighed()"):format(text, expert.scale) end
  return text
end

function E.write(w, indent, script, doc)
  local experts = {}
  for i, expert in ipairs(doc.experts) do experts[i] = expression(script, expert) end
  local base = script.variable(doc.base)
  script.require("moe")
  w.add(indent, "return moe {")
  w.add(indent + 1, ("base = %s,"):format(base))
  w.add(indent + 1, ("experts = { %s },"):format(table.concat(experts, ", ")))
  if doc.shared then w.add(indent + 1, ("shared = %s,"):format(expression(script, doc.shared))) end
  if doc.layout then w.add(indent + 1, ("layout = %q,"):format(doc.layout))
  else w.add(indent + 1, ("layout = ({ qwen2 = \"qwen2_moe\", qwen3 = \"qwen3_moe\" })[%s.config.model_type] or %q,"):format(base, doc.shared and "deepseek" or "mixtral")) end
  w.add(indent + 1, ("per_token = %d,"):format(doc.per_token))
  w.add(indent + 1, ("gates = \"random\", spread = %s,"):format((doc.spread:gsub("base%.", base .. "."))))
  w.add(indent + 1, ("seed = %s,"):format(script.seed()))
  w.add(indent, "}")
end

return E
