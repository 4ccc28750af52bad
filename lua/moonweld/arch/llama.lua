return architecture {
  "Llama 2 and 3, Mistral, SmolLM2: a decoder of RMSNorm, rotary positions, grouped-query attention and SwiGLU.",
  paper = "Touvron et al. 2023, arXiv:2307.09288; Jiang et al. 2023, arXiv:2310.06825",
  types = { "llama", "mistral" },
  classes = { { "*embed_tokens.weight", "embedding" }, { "*norm.weight", "norm" }, { "*.bias", "bias" }, { "*.weight", "linear" } },
  function(w, batch, config)
    local heads  = config.count "num_attention_heads"
    local groups = config.count("num_key_value_heads", heads)
    local turns  = config.rotary(config.count("head_dim", config.count "hidden_size" // heads))
    local eps    = config.number("rms_norm_eps", 1e-6)
    config.word("hidden_act", { "silu" })
    local function project(x, name) return linear(x, w(name .. ".weight"), w(name .. ".bias", true)) end

    local x = embedding(batch, w "model.embed_tokens.weight")
    for layer = 0, config.count "num_hidden_layers" - 1 do
      local here = "model.layers." .. layer
      local attn, mlp = here .. ".self_attn.", here .. ".mlp."

      local n = rms_norm(x, w(here .. ".input_layernorm.weight"), eps)
      local q = rope(project(n, attn .. "q_proj"), turns)
      local k = rope(project(n, attn .. "k_proj"), turns)
      local v = project(n, attn .. "v_proj")
      local seen = attention(q, k, v, { heads = heads, groups = groups, window = config.window(layer) })
      x = x + project(seen, attn .. "o_proj")

      n = rms_norm(x, w(here .. ".post_attention_layernorm.weight"), eps)
      x = x + project(silu(project(n, mlp .. "gate_proj")) * project(n, mlp .. "up_proj"), mlp .. "down_proj")
    end
    x = rms_norm(x, w "model.norm.weight", eps)
    return linear(x, w("lm_head.weight", true) or w "model.embed_tokens.weight")
  end,
}
