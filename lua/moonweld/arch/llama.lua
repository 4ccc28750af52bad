return architecture {
  "Llama 2 and 3, Mistral, SmolLM2, Qwen2, 2.5 and 3: a decoder of RMSNorm, rotary positions, grouped-query attention and SwiGLU.",
  paper = "Touvron et al. 2023, arXiv:2307.09288; Jiang et al. 2023, arXiv:2310.06825; Yang et al. 2024, arXiv:2407.10671; Yang et al. 2025, arXiv:2505.09388",
  types = { "llama", "mistral", "qwen2", "qwen3" },
  classes = { { "*embed_tokens.weight", "embedding" }, { "*norm.weight", "norm" }, { "*.bias", "bias" }, { "*.weight", "linear" } },
  function(w, batch, config)
    local model  = config.word("model_type", { "llama", "mistral", "qwen2", "qwen3" })
    local qwen2, qwen3 = model == "qwen2", model == "qwen3"
    local heads  = config.count "num_attention_heads"
    local groups = config.count("num_key_value_heads", heads)
    local turns  = config.rotary(config.count("head_dim", qwen3 and 128 or config.count "hidden_size" // heads))
    local eps    = config.number("rms_norm_eps", 1e-6)
    local window = (qwen2 or qwen3) and "use_sliding_window" or nil
    config.word("hidden_act", { "silu" })

    -- Qwen2 has biases on queries, keys and values, and no others; the others may have them anywhere.
    local function project(x, name) return linear(x, w(name .. ".weight"), not qwen2 and w(name .. ".bias", true) or nil) end
    local function heads_of(x, name)
      if qwen2 then return linear(x, w(name .. "_proj.weight"), w(name .. "_proj.bias")) end
      return project(x, name .. "_proj")
    end
    -- Qwen3 normalises every head of queries and keys before it is turned.
    local function turned(x, name)
      local y = heads_of(x, name)
      return rope(qwen3 and rms_norm(y, w(name .. "_norm.weight"), eps) or y, turns)
    end

    local x = embedding(batch, w "model.embed_tokens.weight")
    for layer = 0, config.count "num_hidden_layers" - 1 do
      local here = "model.layers." .. layer
      local attn, mlp = here .. ".self_attn.", here .. ".mlp."
      config.enter(layer, x)

      local n = rms_norm(x, w(here .. ".input_layernorm.weight"), eps)
      local q, k, v = turned(n, attn .. "q"), turned(n, attn .. "k"), heads_of(n, attn .. "v")
      local seen = attention(q, k, v, { heads = heads, groups = groups, window = config.window(layer, window) })
      x = x + project(seen, attn .. "o_proj")

      n = rms_norm(x, w(here .. ".post_attention_layernorm.weight"), eps)
      x = x + project(silu(project(n, mlp .. "gate_proj")) * project(n, mlp .. "up_proj"), mlp .. "down_proj")
    end
    x = rms_norm(x, w "model.norm.weight", eps)
    return linear(x, w("lm_head.weight", true) or w "model.embed_tokens.weight")
  end,
}
