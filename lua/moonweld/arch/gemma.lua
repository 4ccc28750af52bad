return architecture {
  "Gemma: a decoder as Llama's, with gains that count from 1, an embedding scaled by the root of its width, and a gated GELU.",
  paper = "Gemma Team 2024, arXiv:2403.08295",
  types = { "gemma" },
  classes = { { "*embed_tokens.weight", "embedding" }, { "*norm.weight", "norm" }, { "*.bias", "bias" }, { "*.weight", "linear" } },
  function(w, batch, config)
    local heads  = config.count "num_attention_heads"
    local groups = config.count("num_key_value_heads", heads)
    local turns  = config.rotary(config.count("head_dim", 256))
    local eps    = config.number("rms_norm_eps", 1e-6)
    -- Both spellings mean the tanh form: the published configurations say "gelu" and were trained with it.
    config.word("hidden_act", { "gelu_pytorch_tanh", "gelu" })
    config.word("hidden_activation", { "gelu_pytorch_tanh" })
    local function project(x, name) return linear(x, w(name .. ".weight"), w(name .. ".bias", true)) end
    local function norm(x, name) return rms_norm(x, w(name .. ".weight") + 1, eps) end

    local x = embedding(batch, w "model.embed_tokens.weight") * math.sqrt(config.count "hidden_size")
    for layer = 0, config.count "num_hidden_layers" - 1 do
      local here = "model.layers." .. layer
      local attn, mlp = here .. ".self_attn.", here .. ".mlp."
      config.enter(layer, x)

      local n = norm(x, here .. ".input_layernorm")
      local q = rope(project(n, attn .. "q_proj"), turns)
      local k = rope(project(n, attn .. "k_proj"), turns)
      local v = project(n, attn .. "v_proj")
      x = x + project(attention(q, k, v, { heads = heads, groups = groups }), attn .. "o_proj")

      n = norm(x, here .. ".post_attention_layernorm")
      x = x + project(gelu(project(n, mlp .. "gate_proj"), "tanh") * project(n, mlp .. "up_proj"), mlp .. "down_proj")
    end
    return linear(norm(x, "model.norm"), w "model.embed_tokens.weight")
  end,
}
