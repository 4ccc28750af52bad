--- experts.lua: a file of mergekit-moe, a mixture of experts, as a call of the recipe `moe`. Gates by prompts are found there from what
-- the base reads of them: `data = prompts { {...}, {...} }`, a list for each expert.
local core = ...
local N, R, W = core.module("mergekit/node"), core.module("mergekit/read"), core.module("mergekit/write")
local E = {}
local set = N.set

local keys = {
  top = set "base_model gate_mode dtype experts_per_token experts shared_experts architecture router_aux_loss_coef",
  expert = set "source_model positive_prompts negative_prompts noise_scale residual_scale prompts",
}
-- mergekit takes every beginning of a layout's name, and of several the first that can be.
local layouts = { mixtral = "mixtral", ["deepseek moe"] = "deepseek", ["qwen moe"] = "qwen2_moe", ["qwen2 moe"] = "qwen2_moe", ["qwen3 moe"] = "qwen3_moe" }

--- Whether a configuration is of this kind.
function E.is_one(root)
  local map = N.map(root, "a configuration")
  return not map.values.merge_method and (map.values.experts ~= nil or map.values.gate_mode ~= nil)
end

--- The texts of positive_prompts or negative_prompts, and where they stand; none where there are none.
local function prompts_of(map, name)
  local node, texts = N.get(map, name), {}
  for i, text in ipairs(node and N.list(node, ("'%s'"):format(name)) or {}) do
    texts[i] = N.quoted(text.kind == "text" and text.text or N.refuse(text, "a prompt is a text, not %s", N.shown(text)))
  end
  return { texts = texts, node = node }
end

--- An entry of `experts`: its model, the deviation of the noise that its MLPs get, and the factor of what they add.
local function expert_of(node)
  local map = N.map(node, "an expert")
  N.check_keys(map, keys.expert, "an expert")
  local noise, scale = N.get(map, "noise_scale"), N.get(map, "residual_scale")
  return { model = R.reference(N.get(map, "source_model") or N.refuse(node, "an expert has no 'source_model'")), node = node,
    noise = noise and N.number(noise, "noise_scale") or 0, scale = scale and N.number(scale, "residual_scale") or 1,
    prompts = prompts_of(map, "positive_prompts"), against = prompts_of(map, "negative_prompts") }
end

local function experts_of(node)
  local list = {}
  for i, entry in ipairs(N.list(node, "'experts'")) do list[i] = expert_of(entry) end
  if #list < 2 then N.refuse(node, "'experts' has %d: a mixture has 2 or more", #list) end
  return list
end

-- Which prompts' states are taken: the last token's of each, or the mean of each.
local modes = {
  hidden      = { gates = "hidden", prompts = "last" }, hidden_last = { gates = "hidden", prompts = "last" },
  hidden_avg  = { gates = "hidden", prompts = "each" }, cheap_embed = { gates = "embed", prompts = "all" },
  random      = { gates = "random", spread = "1" }, uniform_random = { gates = "random", spread = "(3 * base.config.hidden_size) ^ -0.5" },
}

--- Every expert has prompts, and not all have the same.
local function check_prompts(doc, mode)
  local same, first = true, nil
  for _, expert in ipairs(doc.experts) do
    if #expert.prompts.texts == 0 then N.refuse(expert.prompts.node or expert.node, "gate_mode '%s' needs 'positive_prompts' of every expert", mode) end
    local all = table.concat(expert.prompts.texts, ",") .. "|" .. table.concat(expert.against.texts, ",")
    first = first or all
    same = same and all == first
  end
  if same then N.refuse(doc.experts[2].prompts.node, "the prompts of all experts are the same, so their gates would be: give each expert its own") end
end

local function gates_of(map, doc)
  local node = N.get(map, "gate_mode")
  local name = node and N.text(node, "gate_mode") or "hidden"
  local mode = modes[name] or N.refuse(node, "gate_mode is hidden, hidden_avg, hidden_last, cheap_embed, random or uniform_random, not %s", N.shown(node))
  if name == "uniform_random" then
    N.tell(node, "gate_mode: the gates are drawn from a normal distribution here, of the deviation that the uniform one has")
  end
  if mode.prompts then check_prompts(doc, name) end
  return mode
end

--- The layout: as the file names it, or as mergekit finds it. A shared expert with prompts has a gate, which deepseek's has not.
local function layout_of(map, doc)
  local kind = N.get(map, "architecture")
  local name, fits = kind and N.text(kind, "architecture"):lower() or "", {}
  for called, layout in pairs(layouts) do fits[layout] = fits[layout] or called:sub(1, #name) == name end
  local gated = doc.shared and #doc.shared.prompts.texts > 0
  if name == "" then return gated and "qwen2_moe" or nil end
  if fits.qwen2_moe and (doc.shared or not fits.qwen3_moe) then return "qwen2_moe" end
  if fits.deepseek and gated then return (N.refuse(doc.shared.node, "a shared expert of deepseek has no gate: leave out its prompts, or 'architecture'")) end
  for layout, fit in pairs(fits) do if fit and layout ~= "qwen2_moe" then return layout end end
  return (N.refuse(kind, "architecture is mixtral, qwen, qwen3 or deepseek, not %s", N.shown(kind)))
end

--- { base =, experts =, shared =, dtype =, gates =, layout = }
function E.document(root)
  local map = N.map(root, "a configuration")
  N.check_keys(map, keys.top, "a mixture of experts")
  local doc = { map = map, root = root, method_name = "a mixture" }
  doc.base = R.reference(N.get(map, "base_model") or N.refuse(root, "a mixture of experts needs 'base_model'"))
  doc.experts = experts_of(N.get(map, "experts") or N.refuse(root, "a mixture of experts needs 'experts'"))
  doc.gates = gates_of(map, doc)
  doc.dtype = R.dtype(map, "dtype")
  local per, shared = N.get(map, "experts_per_token"), N.get(map, "shared_experts")
  doc.per_token = per and N.whole(per, "experts_per_token", 1) or 2
  if doc.per_token > #doc.experts then
    N.refuse(per or root, "'experts_per_token' is %d, and there are %d experts", doc.per_token, #doc.experts)
  end
  if shared and #N.list(shared, "'shared_experts'") > 1 then N.refuse(shared, "'shared_experts' has %d: there is one at most", #shared) end
  doc.shared = shared and shared[1] and expert_of(shared[1])
  doc.layout = layout_of(map, doc)
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

--- The lists of prompts, as many for what is not an expert's own where there are any.
local function add_prompts(w, indent, doc)
  local gated = { table.unpack(doc.experts) }
  if doc.shared and #doc.shared.prompts.texts > 0 then gated[#gated + 1] = doc.shared end
  local function add(which, key)
    for _, expert in ipairs(gated) do
      local list = expert[which]
      local text = #list.texts > 0 and "{ " .. table.concat(list.texts, ", ") .. " }" or "{}"
      w.add(indent + 1, ("%s,%s"):format(text, list.node and (" -- line %d:%d: %s"):format(list.node.line, list.node.column, key) or ""))
    end
  end
  w.add(indent, "data = prompts {")
  add("prompts", "positive_prompts")
  local any = false
  for _, expert in ipairs(gated) do any = any or #expert.against.texts > 0 end
  if any then add("against", "negative_prompts") end
  w.add(indent, "},")
end

function E.write(w, indent, script, doc)
  local experts = {}
  for i, expert in ipairs(doc.experts) do experts[i] = expression(script, expert) end
  local base, mode = script.variable(doc.base), doc.gates
  script.require("moe")
  w.add(indent, "return moe {" .. W.origin(doc.map.by_name.experts, "experts"))
  w.add(indent + 1, ("base = %s,"):format(base))
  w.add(indent + 1, ("experts = { %s },"):format(table.concat(experts, ", ")))
  if doc.shared then w.add(indent + 1, ("shared = %s,"):format(expression(script, doc.shared))) end
  if doc.layout then w.add(indent + 1, ("layout = %q,"):format(doc.layout))
  else w.add(indent + 1, ("layout = ({ qwen2 = \"qwen2_moe\", qwen3 = \"qwen3_moe\" })[%s.config.model_type] or %q,"):format(base, doc.shared and "deepseek" or "mixtral")) end
  w.add(indent + 1, ("per_token = %d,"):format(doc.per_token))
  w.add(indent + 1, ("gates = %q,"):format(mode.gates))
  if mode.prompts then
    w.add(indent + 1, ("prompts = %q,"):format(mode.prompts))
    add_prompts(w, indent + 1, doc)
  else
    w.add(indent + 1, ("spread = %s,"):format((mode.spread:gsub("base%.", base .. "."))))
    w.add(indent + 1, ("seed = %s,"):format(script.seed()))
  end
  w.add(indent, "}")
end

return E
