return architecture {
  "Qwen2 and 2.5: a decoder as Llama's, with biases on queries, keys and values.",
  paper = "Yang et al. 2024, arXiv:2407.10671",
  types = { "qwen2" },
  classes = { { "*embed_tokens.weight", "embedding" }, { "*norm.weight", "norm" }, { "*.bias", "bias" }, { "*.weight", "linear" } },
  function(w, batch, config)
    local heads  = config.count "num_attention_heads"
    local groups = config.count("num_key_value_heads", heads)
    local turns  = config.rotary(config.count("head_dim", config.count "hidden_size" // heads))
    local eps    = config.number("rms_norm_eps", 1e-6)
    config.word("hidden_act", { "silu" })
    local function with_bias(x, name) return linear(x, w(name .. ".weight"), w(name .. ".bias")) end
    local function plain(x, name) return linear(x, w(name .. ".weight")) end

    local x = embedding(batch, w "model.embed_tokens.weight")
    for layer = 0, config.count "num_hidden_layers" - 1 do
      local here = "model.layers." .. layer
      local attn, mlp = here .. ".self_attn.", here .. ".mlp."

      local n = rms_norm(x, w(here .. ".input_layernorm.weight"), eps)
      local q = rope(with_bias(n, attn .. "q_proj"), turns)
      local k = rope(with_bias(n, attn .. "k_proj"), turns)
      local v = with_bias(n, attn .. "v_proj")
      local seen = attention(q, k, v, { heads = heads, groups = groups, window = config.window(layer, "use_sliding_window") })
      x = x + plain(seen, attn .. "o_proj")

      n = rms_norm(x, w(here .. ".post_attention_layernorm.weight"), eps)
      x = x + plain(silu(plain(n, mlp .. "gate_proj")) * plain(n, mlp .. "up_proj"), mlp .. "down_proj")
    end
    x = rms_norm(x, w "model.norm.weight", eps)
    return linear(x, w("lm_head.weight", true) or w "model.embed_tokens.weight")
  end,
}
