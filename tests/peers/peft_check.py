"""peft: for every variant of LoRA, MODEL+ADAPTER in f32 is what merge_and_unload makes, within a few roundings of f32: at most 4e-7 of the
largest value of a tensor. Everything else is the base's to the last bit, and logits are the same. And an adapter that a recipe returns is
loaded by peft, every tensor of it, and makes the same model there."""
import os

import torch
import transformers as t
from peft import AutoPeftModelForCausalLM, IA3Config, LoHaConfig, LoKrConfig, LoraConfig, PeftModel, TrainableTokensConfig, get_peft_model
from safetensors.torch import load_file
from transformers import (AutoModelForCausalLM, BertConfig, BertForSequenceClassification, CLIPTextConfig, CLIPTextModel, FalconConfig,
                          FalconForCausalLM, GemmaConfig, GemmaForCausalLM, GPT2Config, GPT2LMHeadModel, GPTNeoXConfig, GPTNeoXForCausalLM,
                          CLIPVisionConfig, LlamaConfig, LlamaForCausalLM, LlavaConfig, LlavaForConditionalGeneration, Phi3Config, Phi3ForCausalLM,
                          Qwen2VLConfig, Qwen2VLForConditionalGeneration, ResNetConfig, ResNetModel, T5Config, T5ForConditionalGeneration,
                          ViTConfig, ViTForImageClassification, WhisperConfig, WhisperModel)

from peers import WORK, check, end, merge, tensors

torch.manual_seed(0)
BOUND = 4e-7
RANK = {"r": 4, "lora_alpha": 8}
VARIANTS = {
    "LoRA": ("llama", dict(target_modules=["q_proj", "down_proj"])),
    "LoRA of every linear layer": ("llama", dict(target_modules="all-linear", init_lora_weights="gaussian")),
    "rsLoRA": ("llama", dict(use_rslora=True, target_modules=["q_proj"])),
    "ranks and alphas by pattern": ("llama", dict(target_modules=["q_proj", "v_proj", "up_proj"],
        rank_pattern={"q_proj": 2, r"layers\.1\.mlp\.up_proj": 6}, alpha_pattern={r"model.layers.\d+.self_attn.v_proj": 3.5})),
    "DoRA": ("llama", dict(use_dora=True, target_modules=["q_proj", "up_proj"])),
    "modules saved whole": ("llama", dict(target_modules=["q_proj"], modules_to_save=["lm_head", "embed_tokens"])),
    "all biases": ("llama", dict(target_modules=["q_proj"], bias="all")),
    "biases of the adapted": ("llama", dict(target_modules=["q_proj"], bias="lora_only")),
    "a bias of B": ("llama", dict(target_modules=["q_proj"], lora_bias=True)),
    "an embedding": ("llama", dict(target_modules=["embed_tokens", "q_proj"])),
    "an embedding with DoRA": ("llama", dict(use_dora=True, target_modules=["embed_tokens"])),
    "GPT-2's Conv1D": ("gpt2", dict(fan_in_fan_out=True, target_modules=["c_attn", "c_proj"])),
    "Conv1D with DoRA": ("gpt2", dict(use_dora=True, fan_in_fan_out=True, target_modules=["c_attn", "c_proj"])),
}


def at(*parts):
    return os.path.join(WORK.name, *parts)


llama = LlamaForCausalLM(LlamaConfig(vocab_size=100, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
                                     num_key_value_heads=2, tie_word_embeddings=False, attention_bias=True))
for p in llama.parameters():
    p.data.normal_(0, 0.05)
llama.save_pretrained(at("llama"))
GPT2LMHeadModel(GPT2Config(vocab_size=100, n_embd=32, n_layer=2, n_head=4, n_positions=32)).save_pretrained(at("gpt2"))
text = torch.arange(20).reshape(1, 20)

for number, (name, (base, settings)) in enumerate(VARIANTS.items()):
    adapter = at(f"adapter-{number}")
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(at(base)), LoraConfig(task_type="CAUSAL_LM", **RANK, **settings))
    for _, p in model.named_parameters():
        if p.requires_grad:
            p.data.add_(torch.randn_like(p) * 0.05)
    model.save_pretrained(adapter)
    made = merge("soup", "--models", at(base) + "+" + adapter)
    merged = model.merge_and_unload().eval()
    ours, theirs, before = tensors(made), merged.state_dict(), tensors(at(base))
    worst = max(((ours[key] - theirs[key]).abs().max() / theirs[key].abs().max().clamp(min=1e-9)).item() for key in ours)
    kept = [key for key in ours if key in before and torch.equal(theirs[key], before[key])]
    check(worst <= BOUND, f"{name}: merge_and_unload within {worst:.1e}")
    check(all(torch.equal(ours[key], before[key]) for key in kept) and len(kept) < len(before), f"{name}: {len(kept)} tensors as they were")
    with torch.no_grad():
        logits = AutoModelForCausalLM.from_pretrained(made).eval()(text).logits
        check(torch.allclose(logits, merged(text).logits, atol=1e-5), f"{name}: the same logits")

# ---- other architectures, and several settings at once ----

PLAIN = dict(vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48)
OTHERS = {
    "BERT and its classifier": (BertForSequenceClassification, BertConfig(num_labels=3, **PLAIN),
        dict(task_type="SEQ_CLS", target_modules=["query", "value", "dense"])),
    "BERT with DoRA": (BertForSequenceClassification, BertConfig(num_labels=3, **PLAIN), dict(task_type="SEQ_CLS", use_dora=True, target_modules=["query"])),
    "T5": (T5ForConditionalGeneration, T5Config(vocab_size=100, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4),
        dict(task_type="SEQ_2_SEQ_LM", target_modules=["q", "v", "wi", "wo"])),
    "ViT, its patches with DoRA": (ViTForImageClassification, ViTConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48,
        image_size=32, patch_size=8, num_labels=4), dict(use_dora=True, target_modules=["projection"], modules_to_save=["classifier"])),
    "CLIP's text and position embeddings": (CLIPTextModel, CLIPTextConfig(**PLAIN),
        dict(target_modules=["q_proj", "fc1", "token_embedding", "position_embedding"])),
    "Phi-3's fused projections": (Phi3ForCausalLM, Phi3Config(pad_token_id=0, bos_token_id=1, eos_token_id=2, **PLAIN),
        dict(target_modules=["qkv_proj", "gate_up_proj"])),
    "Falcon's fused projection and bias": (FalconForCausalLM, FalconConfig(vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        new_decoder_architecture=True, num_kv_heads=2), dict(target_modules=["query_key_value"], bias="lora_only")),
    "GPT-NeoX, all biases": (GPTNeoXForCausalLM, GPTNeoXConfig(**PLAIN), dict(target_modules=["query_key_value"], bias="all")),
    "Gemma, DoRA of every linear layer": (GemmaForCausalLM, GemmaConfig(head_dim=8, num_key_value_heads=2, **PLAIN),
        dict(use_dora=True, target_modules="all-linear")),
    "an embedding that is tied": (LlamaForCausalLM, LlamaConfig(tie_word_embeddings=True, **PLAIN), dict(target_modules=["embed_tokens", "q_proj"])),
    "a tied embedding of which a copy was trained": (LlamaForCausalLM, LlamaConfig(tie_word_embeddings=True, **PLAIN),
        dict(target_modules=["q_proj"], modules_to_save=["embed_tokens"]), "--tied", "untie"),
    "rsLoRA with DoRA and patterns": (LlamaForCausalLM, LlamaConfig(**PLAIN), dict(use_dora=True, use_rslora=True, target_modules="all-linear",
        rank_pattern={"q_proj": 2}, alpha_pattern={r"layers\.0\..*": 3})),
    # Their checkpoints have other names than their modules, which peft writes.
    "LLaVA, language, vision and projector": (LlavaForConditionalGeneration, LlavaConfig(text_config=LlamaConfig(**PLAIN),
        vision_config=CLIPVisionConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, image_size=32, patch_size=16)),
        dict(target_modules=["q_proj", "linear_1"], modules_to_save=["lm_head"])),
    "Qwen2-VL, every linear layer": (Qwen2VLForConditionalGeneration, Qwen2VLConfig(text_config=dict(num_key_value_heads=2, rope_parameters=dict(
        rope_type="default", mrope_section=[1, 1, 2], rope_theta=10000.0), **PLAIN), vision_config=dict(depth=2, embed_dim=32, hidden_size=32, num_heads=4)),
        dict(target_modules="all-linear")),
    "one layer, norms saved": (LlamaForCausalLM, LlamaConfig(**PLAIN), dict(target_modules=["q_proj"], layers_to_transform=[1], layers_pattern="layers",
        modules_to_save=["norm", "input_layernorm"])),
}
for number, (name, (kind, config, settings, *words)) in enumerate(OTHERS.items()):
    base, adapter = at(f"other-{number}"), at(f"other-adapter-{number}")
    kind(config).save_pretrained(base)
    model = get_peft_model(kind.from_pretrained(base), LoraConfig(**RANK, **settings))
    for _, p in model.named_parameters():
        if p.requires_grad:
            p.data.add_(torch.randn_like(p) * 0.05)
    model.save_pretrained(adapter)
    model.merge_and_unload().save_pretrained(base + "-merged")
    ours, theirs = tensors(merge("soup", "--models", base + "+" + adapter, *words)), tensors(base + "-merged")
    worst = max(((ours[key] - theirs[key]).abs().max() / theirs[key].abs().max().clamp(min=1e-9)).item() for key in ours if ours[key].is_floating_point())
    changed = sum(1 for key, value in tensors(base).items() if not torch.equal(value, ours[key]))
    check(set(ours) == set(theirs) and worst <= BOUND and changed, f"{name}: merge_and_unload of {changed} tensors within {worst:.1e}")

# ---- other products than that of a LoRA ----

PRODUCTS = {
    "LoHa": LoHaConfig(r=4, alpha=8, target_modules=["q_proj", "down_proj"]),
    "LoHa, ranks and alphas by pattern": LoHaConfig(r=4, alpha=8, target_modules=["q_proj", "up_proj"], rank_pattern={"up_proj": 6}, alpha_pattern={"q_proj": 3}),
    "LoKr": LoKrConfig(r=4, alpha=8, target_modules=["q_proj", "down_proj"]),
    "LoKr of four factors": LoKrConfig(r=1, alpha=8, decompose_both=True, decompose_factor=8, target_modules=["q_proj", "down_proj"]),
    "LoKr of whole matrices": LoKrConfig(r=64, alpha=8, target_modules="all-linear"),
}
for number, (name, settings) in enumerate(PRODUCTS.items()):
    adapter = at(f"product-{number}")
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(at("llama")), settings)
    for _, p in model.named_parameters():
        if p.requires_grad:
            p.data.add_(torch.randn_like(p) * 0.05)
    model.save_pretrained(adapter)
    ours, theirs, before = tensors(merge("soup", "--models", at("llama") + "+" + adapter)), model.merge_and_unload().state_dict(), tensors(at("llama"))
    worst = max(((ours[key] - theirs[key]).abs().max() / theirs[key].abs().max().clamp(min=1e-9)).item() for key in ours)
    changed = sum(1 for key, value in before.items() if not torch.equal(value, ours[key]))
    check(worst <= BOUND and changed > 3, f"{name}: merge_and_unload of {changed} tensors within {worst:.1e}")

# ---- what peft changes without a product of one module: experts' factors, trained tokens, (IA)3 ----

EXPERTS = ["mlp.experts.gate_up_proj", "mlp.experts.down_proj"]
MIXTURE = dict(vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2)
FURTHER = {
    "experts of GPT-OSS, [experts, in, out]": (t.GptOssForCausalLM, t.GptOssConfig(num_local_experts=4, num_experts_per_tok=2, head_dim=8, intermediate_size=48, **MIXTURE),
        LoraConfig(**RANK, target_modules=["q_proj"], target_parameters=EXPERTS)),
    "experts of GPT-OSS, as many inputs as outputs": (t.GptOssForCausalLM, t.GptOssConfig(num_local_experts=4, num_experts_per_tok=2, head_dim=8,
        intermediate_size=32, **MIXTURE), LoraConfig(**RANK, target_modules=[], target_parameters=EXPERTS)),
    "experts of Mixtral, one by one in the file, and the router": (t.MixtralForCausalLM, t.MixtralConfig(num_local_experts=4, intermediate_size=48, **MIXTURE),
        LoraConfig(**RANK, target_modules=["q_proj"], target_parameters=["gate.weight"] + EXPERTS)),
    "experts of Qwen3, ranks and alphas by pattern, rsLoRA": (t.Qwen3MoeForCausalLM, t.Qwen3MoeConfig(num_experts=3, num_experts_per_tok=2, moe_intermediate_size=24,
        head_dim=8, intermediate_size=48, **MIXTURE), LoraConfig(r=5, lora_alpha=7, use_rslora=True, target_modules=["q_proj"], target_parameters=EXPERTS,
        rank_pattern={"down_proj": 3}, alpha_pattern={"gate_up_proj": 11})),
    "experts of Granite, which its file calls otherwise": (t.GraniteMoeForCausalLM, t.GraniteMoeConfig(num_local_experts=4, num_experts_per_tok=2,
        intermediate_size=48, **MIXTURE), LoraConfig(**RANK, target_modules=["q_proj"], target_parameters=["experts.gate_up_proj", "experts.down_proj"])),
    "every linear layer and all experts": (t.OlmoeForCausalLM, t.OlmoeConfig(num_experts=4, num_experts_per_tok=2, intermediate_size=48, **MIXTURE),
        LoraConfig(**RANK, target_modules="all-linear", target_parameters=EXPERTS)),
    "trained tokens": (LlamaForCausalLM, LlamaConfig(tie_word_embeddings=False, **PLAIN), LoraConfig(**RANK, target_modules=["q_proj"],
        trainable_token_indices={"embed_tokens": [7, 1], "lm_head": [2]})),
    "trained tokens of a tied embedding": (LlamaForCausalLM, LlamaConfig(tie_word_embeddings=True, **PLAIN), LoraConfig(**RANK, target_modules=["q_proj"],
        trainable_token_indices=[5, 3, 99])),
    "trained tokens alone": (LlamaForCausalLM, LlamaConfig(**PLAIN), TrainableTokensConfig(token_indices=[0, 50, 20], target_modules=["embed_tokens"])),
    "(IA)3 with biases": (LlamaForCausalLM, LlamaConfig(attention_bias=True, mlp_bias=True, **PLAIN), IA3Config(target_modules=["k_proj", "v_proj", "down_proj"],
        feedforward_modules=["down_proj"])),
    "(IA)3 of Conv1D": (GPT2LMHeadModel, GPT2Config(vocab_size=100, n_embd=32, n_layer=2, n_head=4, n_positions=32), IA3Config(fan_in_fan_out=True,
        target_modules=["c_attn", "attn.c_proj", "mlp.c_proj"], feedforward_modules=["mlp.c_proj"])),
}
for number, (name, (kind, config, settings)) in enumerate(FURTHER.items()):
    base, adapter = at(f"further-{number}"), at(f"further-adapter-{number}")
    kind(config).save_pretrained(base)
    model = get_peft_model(kind.from_pretrained(base), settings)
    for _, p in model.named_parameters():
        if p.requires_grad:
            p.data.add_(torch.randn_like(p) * 0.05)
    model.save_pretrained(adapter)
    model.merge_and_unload().save_pretrained(base + "-merged")
    ours, theirs, before = tensors(merge("soup", "--models", base + "+" + adapter)), tensors(base + "-merged"), tensors(base)
    worst = max(((ours[key] - theirs[key]).abs().max() / theirs[key].abs().max().clamp(min=1e-9)).item() for key in ours if ours[key].is_floating_point())
    changed = sum(1 for key, value in before.items() if not torch.equal(value, ours[key]))
    check(set(ours) == set(theirs) and worst <= BOUND and changed, f"{name}: merge_and_unload of {changed} tensors within {worst:.1e}")

# ---- convolutions, of one dimension and of two ----

CONVOLUTIONS = {
    "two dimensions": (ResNetModel, ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1]), dict(target_modules=["convolution"])),
    "two dimensions, rsLoRA": (ResNetModel, ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1]),
                               dict(target_modules=["convolution"], use_rslora=True)),
    "one dimension": (WhisperModel, WhisperConfig(vocab_size=100, num_mel_bins=8, d_model=16, encoder_layers=1, decoder_layers=1,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32, pad_token_id=0, bos_token_id=1,
        eos_token_id=2, decoder_start_token_id=1, max_source_positions=16, max_target_positions=16), dict(target_modules=["conv1", "conv2", "q_proj"])),
}
for number, (name, (kind, config, settings)) in enumerate(CONVOLUTIONS.items()):
    base, adapter = at(f"conv-{number}"), at(f"conv-adapter-{number}")
    kind(config).save_pretrained(base)
    model = get_peft_model(kind.from_pretrained(base), LoraConfig(**RANK, **settings))
    for _, p in model.named_parameters():
        if p.requires_grad:
            p.data.add_(torch.randn_like(p) * 0.05)
    model.save_pretrained(adapter)
    ours, theirs = tensors(merge("soup", "--models", base + "+" + adapter)), model.merge_and_unload().state_dict()
    worst = max(((ours[key] - theirs[key]).abs().max() / theirs[key].abs().max().clamp(min=1e-9)).item() for key in ours if ours[key].is_floating_point())
    changed = sum(1 for key, value in tensors(base).items() if not torch.equal(value, ours[key]))
    check(worst <= BOUND and changed > 2, f"convolutions of {name}: merge_and_unload of {changed} tensors within {worst:.1e}")

# ---- adapters that we write ----

RECIPE = """return recipe {
  "An adapter of random factors.",
  arg.model("base", "what it is of"), arg("of", "*", "the weights that it changes, by names with * between commas"), arg("wide", "none", "those of a higher rank"),
  arg("alpha", 0.0, "0: none is given"), arg.seed(),
  function(a)
    local A, B = {}, {}
    for glob in a.of:gmatch "[^,]+" do
      for name, w in pairs(a.base:only(glob)) do
        local shape, rank = w.shape, name:find(a.wide, 1, true) and 5 or 3
        A[name] = zeros{ rank, table.unpack(shape, 2) }:normal(a.seed:at(name, "A")) * 0.1
        B[name] = zeros{ shape[1], rank }:normal(a.seed:at(name, "B")) * 0.1
      end
    end
    return adapter{ A = A, B = B, alpha = a.alpha ~= 0 and a.alpha or nil, base = a.base }
  end,
}"""
with open(at("random.lua"), "w") as file:
    file.write(RECIPE)
OURS = {
    "linear layers": ("llama", "*.q_proj.weight,*.down_proj.weight"),
    "linear layers with alpha": ("llama", "*.q_proj.weight", "--alpha", 12),
    "one layer of several": ("llama", "model.layers.1.mlp.up_proj.weight,model.layers.0.self_attn.v_proj.weight"),
    "other ranks": ("llama", "*.self_attn.*.weight", "--wide", "k_proj"),
    "other ranks with alpha": ("llama", "*.self_attn.*.weight", "--wide", "layers.1", "--alpha", 4),
    "an embedding": ("llama", "*.embed_tokens.weight,*.up_proj.weight"),
    "every linear layer and the head": ("llama", "*_proj.weight,lm_head.weight"),
    "GPT-2's Conv1D and embeddings": ("gpt2", "*.c_attn.weight,*.c_fc.weight,*.wte.weight"),
}
for name, (base, of, *words) in OURS.items():
    adapter = merge(at("random.lua"), "--base", at(base), "--of", of, *words)
    loaded = AutoPeftModelForCausalLM.from_pretrained(adapter)
    held = sum(1 for key in loaded.state_dict() if "lora_" in key)
    check(held == len(load_file(os.path.join(adapter, "adapter_model.safetensors"))), f"{name}: peft has a place for every tensor")
    ours, theirs, before = tensors(merge("soup", "--models", at(base) + "+" + adapter)), loaded.merge_and_unload().state_dict(), tensors(at(base))
    changed = [key for key in before if not torch.equal(theirs[key], before[key])]
    worst = max(((ours[key] - theirs[key]).abs().max() / theirs[key].abs().max().clamp(min=1e-9)).item() for key in ours)
    check(worst <= BOUND and len(changed) * 2 == held, f"{name}: merge_and_unload of {len(changed)} tensors within {worst:.1e}")
for number, (name, of) in {0: ("convolutions of two dimensions", "*convolution.weight"), 2: ("convolutions of one dimension", "*conv1.weight,*conv2.weight")}.items():
    kind, base = list(CONVOLUTIONS.values())[number][0], at(f"conv-{number}")
    adapter = merge(at("random.lua"), "--base", base, "--of", of)
    theirs = PeftModel.from_pretrained(kind.from_pretrained(base), adapter).merge_and_unload().state_dict()
    ours = tensors(merge("soup", "--models", base + "+" + adapter))
    worst = max(((ours[key] - theirs[key]).abs().max() / theirs[key].abs().max().clamp(min=1e-9)).item() for key in ours if ours[key].is_floating_point())
    check(worst <= BOUND and any(not torch.equal(value, ours[key]) for key, value in tensors(base).items()), f"{name}, ours: within {worst:.1e}")
for name, kind, config in (("Mixtral", t.MixtralForCausalLM, t.MixtralConfig(num_local_experts=4, intermediate_size=48, **MIXTURE)),
                           ("Qwen3", t.Qwen3MoeForCausalLM, t.Qwen3MoeConfig(num_experts=4, num_experts_per_tok=2, moe_intermediate_size=24, head_dim=8,
                                                                             intermediate_size=48, **MIXTURE))):
    base, tuned = at("mixture-" + name), at("mixture-tuned-" + name)
    kind(config).save_pretrained(base)
    model = kind.from_pretrained(base)
    for key, p in model.named_parameters():
        if p.dim() > 1 and ".layers." in key:
            p.data.add_(torch.randn_like(p) * 0.05)
    model.save_pretrained(tuned)
    adapter = merge("extract_lora", "--base", base, "--tuned", tuned, "--rank", 32)
    theirs, wanted = PeftModel.from_pretrained(kind.from_pretrained(base), adapter).merge_and_unload().state_dict(), model.state_dict()
    worst = max((theirs[key] - wanted[key]).abs().max().item() for key in wanted)
    check(worst < 1e-6, f"a mixture of {name}, extracted: peft gives the fine-tune within {worst:.1e}")
end()
