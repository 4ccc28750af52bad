-- What each layout calls the router, the experts and the shared expert of a layer, and what its config.json says of them.
local function qwen(n)
  return { num_experts = n.experts, num_experts_per_tok = n.per_token, moe_intermediate_size = n.width, norm_topk_prob = true,
    decoder_sparse_step = 1, mlp_only_layers = {}, shared_expert_intermediate_size = n.shared }
end
local layouts = {
  mixtral   = { from = "llama mistral", class = "MixtralForCausalLM", router = "block_sparse_moe.gate.weight",
    expert  = "block_sparse_moe.experts.%d.", gate_proj = "w1", down_proj = "w2", up_proj = "w3", unbiased = true,
    config  = function(n) return { num_local_experts = n.experts, num_experts_per_tok = n.per_token } end },
  qwen2_moe = { from = "qwen2 llama mistral", biased = true, class = "Qwen2MoeForCausalLM", router = "mlp.gate.weight", expert = "mlp.experts.%d.",
    shared  = "mlp.shared_expert.", shared_gate = "mlp.shared_expert_gate.weight", config = qwen },
  qwen3_moe = { from = "qwen3", class = "Qwen3MoeForCausalLM", router = "mlp.gate.weight", expert = "mlp.experts.%d.", config = qwen },
  deepseek  = { from = "llama mistral", class = "DeepseekForCausalLM", router = "mlp.gate.weight", expert = "mlp.experts.%d.",
    shared  = "mlp.shared_experts.",
    config  = function(n)
      return { n_routed_experts = n.experts, num_experts_per_tok = n.per_token, moe_intermediate_size = n.width,
        norm_topk_prob = n.per_token > 1, -- some readers divide a single expert's share by itself where it is true, some do not
        first_k_dense_replace = 0, moe_layer_freq = 1, scoring_func = "softmax", n_shared_experts = n.shared and 1 }
    end },
}

--- What config.json is to say. Where the dense model's leaves out what the two classes take for another number, it is said.
local function configuration(layout, name, counts, base)
  local dense, result = base.config, layout.config(counts)
  local q, k = base["model.layers.0.self_attn.q_proj.weight"].shape[1], base["model.layers.0.self_attn.k_proj.weight"].shape[1]
  local head = q // dense.num_attention_heads
  local defaults = { head_dim = head, num_key_value_heads = k // head, rms_norm_eps = 1e-6, rope_theta = not dense.rope_parameters and 10000 or nil }
  for key, value in pairs(defaults) do if dense[key] == nil then result[key] = value end end
  result.model_type, result.architectures = name, { layout.class }
  return result
end

return recipe {
  "A mixture of experts: in every layer the MLPs of dense models beside one another, behind a router; all else is the base's.",
  paper = "Komatsuzaki et al. 2023, arXiv:2212.05055",
  arg.model ("base",    "the dense model that attention, norms and embeddings come from"),
  arg.models("experts", "dense models of the base's shape, whose MLPs become the experts", { min = 2 }),
  arg.model ("shared",  "one whose MLP every token passes through: the shared expert of qwen2_moe and deepseek", { optional = true }),
  arg.choice("layout",  { "mixtral", "qwen2_moe", "qwen3_moe", "deepseek" }, "whose names and configuration the result has"),
  arg       ("per_token", 2, "experts that a token passes through", { min = 1, whole = true }),
  arg.choice("gates",   { "random", "zero", "hidden", "embed" }, "the routers' rows: drawn; zeros; or what each layer reads of an expert's prompts, by --data; or the first one"),
  arg.choice("prompts", { "all", "last", "each" }, "of such gates: the mean over all tokens of the prompts, each prompt's last, or each prompt's mean"),
  arg       ("spread",  0.02, "standard deviation of what is drawn", { min = 0 }),
  arg.model ("router",  "a file of the routers' tensors, under the result's names, in the place of gates", { optional = true }),
  arg       ("shared_scale", 1.0, "factor of the shared expert's last projection"),
  arg.seed(), arg.calibration(),

  function(a)
    local layout, base, config, added = layouts[a.layout], a.base, a.base.config, {}
    local depth, width = base:depth(), config.hidden_size
    local kind = config.model_type or "unknown"
    assert((" " .. layout.from .. " "):find(" " .. kind .. " ", 1, true),
      ("base: a model of type %s; layout %s is made of type %s"):format(kind, a.layout, (layout.from:gsub(" ", " or "))))
    assert(a.per_token <= #a.experts, ("per_token is %d, of %d experts"):format(a.per_token, #a.experts))
    assert(layout.shared or not a.shared, ("layout %s has no shared expert"):format(a.layout))
    assert(a.shared or not layout.shared_gate, ("layout %s needs a shared expert: --shared MODEL"):format(a.layout))
    assert(#base:only("*.mlp.*"):names() == 3 * depth, "base: its MLPs have other tensors than gate_proj, up_proj and down_proj weights")
    assert(not layout.unbiased or not base:has("model.layers.0.self_attn.q_proj.bias"), ("layout %s has no biases"):format(a.layout))

    -- What layers read of each expert's prompts, less what they read of those that are not its own, as rows of length 1. The shared
    -- expert's come behind those of the others.
    local by_prompts, gated, read = a.gates == "hidden" or a.gates == "embed", #a.experts, {}
    assert(by_prompts or #a.data == 0, "--data is for --gates hidden and embed")
    if by_prompts then
      if a.shared and (#a.data == gated + 1 or #a.data == 2 * (gated + 1)) then gated = gated + 1 end
      assert(#a.data == gated or #a.data == 2 * gated,
        ("gates take one file of prompts an expert, or also one of those that are not its own: --data with %d or %d files, not %d"):format(gated, 2 * gated, #a.data))
      for i = 1, #a.data do read[i] = #a.data[i] > 0 and hidden(base, a.data[i]) end
    end
    local function found(i, layer) return read[i][layer + 1]:mean{ per = "column", at = a.prompts ~= "all" and a.prompts or nil } end
    local function row(e, layer)
      if a.gates == "embed" then layer = 0 end
      local x = found(e, layer)
      if a.gates == "embed" then x = x / x:norm() end
      if read[gated + e] then
        local other = found(gated + e, layer)
        x = x - (a.gates == "embed" and other / other:norm() or other)
      end
      return (x / x:norm()):reshape{ 1, width }
    end
    local function gate(name, rows, layer)
      if a.router then
        local given = a.router[name]
        assert(#given.shape == 2 and given.shape[1] == rows and given.shape[2] == width, ("router: '%s' is not [%d,%d]"):format(name, rows, width))
        return given:unweighed()
      end
      local first = rows == 1 and #a.experts or 0 -- the shared expert has one row
      if by_prompts and first < gated then
        local found_rows = {}
        for e = 1, rows do found_rows[e] = row(first + e, layer) end
        return join(found_rows):unweighed()
      end
      local empty = zeros{ rows, width }
      return (a.gates == "random" and a.spread * empty:normal(a.seed:at(name)) or empty):unweighed()
    end
    local function projection(model, name)
      local x, like = model[name], base[name].shape
      assert(x.shape[1] == like[1] and x.shape[2] == like[2],
        ("'%s' is [%d,%d] in one of the experts and [%d,%d] in the base"):format(name, x.shape[1], x.shape[2], like[1], like[2]))
      return x
    end

    for layer = 0, depth - 1 do
      local here = ("model.layers.%d."):format(layer)
      for _, part in ipairs { "gate_proj", "up_proj", "down_proj" } do
        local dense = here .. "mlp." .. part .. ".weight"
        for e, expert in ipairs(a.experts) do
          added[here .. layout.expert:format(e - 1) .. (layout[part] or part) .. ".weight"] = projection(expert, dense)
        end
        if a.shared then
          local scale = part == "down_proj" and a.shared_scale or 1
          added[here .. layout.shared .. part .. ".weight"] = (scale * projection(a.shared, dense)):unweighed()
        end
      end
      added[here .. layout.router] = gate(here .. layout.router, #a.experts, layer)
      if layout.shared_gate then added[here .. layout.shared_gate] = gate(here .. layout.shared_gate, 1, layer) end
      for _, part in ipairs(layout.biased and kind ~= "qwen2" and { "q", "k", "v" } or {}) do
        local projected = here .. "self_attn." .. part .. "_proj."
        if not base:has(projected .. "bias") then added[projected .. "bias"] = zeros{ base[projected .. "weight"].shape[1] }:unweighed() end
      end
    end

    local inner = base["model.layers.0.mlp.up_proj.weight"].shape[1]
    local counts = { experts = #a.experts, per_token = a.per_token, width = inner, shared = a.shared and inner }
    return base:except("*.mlp.*"):with(added, { add = true }):with_config(configuration(layout, a.layout, counts, base))
  end,
}
