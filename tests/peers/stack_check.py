"""Stacks load in transformers without a word, and give the logits of a torch model that is put together by hand of the same layers."""
import copy
import os

import torch
import transformers
from transformers import AutoModelForCausalLM

from peers import WORK, check, end, merge

transformers.logging.set_verbosity_error()
torch.manual_seed(0)
SMALL = dict(vocab_size=64, hidden_size=32, intermediate_size=48, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64)
IDS = torch.randint(0, 64, (2, 12))


def saved(name, config):
    """A random model of that configuration, in a folder."""
    folder = os.path.join(WORK.name, name)
    made = AutoModelForCausalLM.from_config(config)
    made.save_pretrained(folder)
    return folder, made.eval()


def layers_of(made):
    return made.transformer.h if hasattr(made, "transformer") else made.model.layers


def by_hand(parts, config):
    """The first model with the layers of all parts; each knows its new number, by which it finds its cache and its type."""
    made = copy.deepcopy(parts[0][0])
    made.config = config
    stack = torch.nn.ModuleList(copy.deepcopy(layers_of(m)[i]) for m, first, last in parts for i in range(first, last))
    last = parts[-1][0]
    if hasattr(made, "transformer"):
        made.transformer.h, made.transformer.ln_f = stack, copy.deepcopy(last.transformer.ln_f)
    else:
        made.model.layers, made.model.norm = stack, copy.deepcopy(last.model.norm)
    made.config._attn_implementation = "eager"
    for m in made.modules():
        if hasattr(m, "config"):
            m.config = made.config
    for i, layer in enumerate(stack):
        for m in layer.modules():
            if hasattr(m, "layer_idx"):
                m.layer_idx = i
    return made


def compare(what, config, depth, parts):
    models = [saved(f"{what}-{i}", config(n)) for i, n in enumerate(depth)]
    words = [f"{models[m][0]}:{first}-{last}" for m, first, last in parts]
    folder = merge("stack", "--parts", *words, dtype=None)
    found, report = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", output_loading_info=True)
    odd = {k: v for k, v in report.items() if v and k in ("missing_keys", "unexpected_keys", "mismatched_keys")}
    check(not odd, f"{what}: transformers finds every tensor and no other {odd or ''}")
    total = sum(last - first for _, first, last in parts)
    check(found.config.num_hidden_layers == total == len(layers_of(found)), f"{what}: {total} layers")
    hand = by_hand([(models[m][1], first, last) for m, first, last in parts], copy.deepcopy(found.config))
    if what != "gpt2" and not found.config.tie_word_embeddings:
        hand.lm_head = copy.deepcopy(models[parts[-1][0]][1].lm_head)
    with torch.no_grad():
        one, two = found.eval()(IDS, use_cache=False).logits, hand.eval()(IDS, use_cache=False).logits
    check(torch.equal(one, two), f"{what}: logits are those of a model put together by hand, off by {float((one - two).abs().max()):g}")
    text = found.generate(IDS[:1, :4], max_new_tokens=4, do_sample=False, pad_token_id=0)
    check(text.shape == (1, 8), f"{what}: it writes")
    return found


TWO = [(0, 0, 3), (1, 1, 4), (0, 2, 4)]
compare("llama", lambda n: transformers.LlamaConfig(num_hidden_layers=n, **SMALL), (4, 5), TWO)
compare("gemma", lambda n: transformers.GemmaConfig(num_hidden_layers=n, head_dim=8, **SMALL), (4, 5), TWO)
compare("gpt2", lambda n: transformers.GPT2Config(n_layer=n, n_embd=32, n_head=4, vocab_size=64, n_positions=64), (4, 5), TWO)


def qwen2(n):
    types = ["sliding_attention" if i % 2 else "full_attention" for i in range(n)]
    return transformers.Qwen2Config(num_hidden_layers=n, layer_types=types, use_sliding_window=True, sliding_window=4, max_window_layers=0, **SMALL)


mixed = compare("qwen2", qwen2, (4, 5), TWO)
wanted = ["full_attention", "sliding_attention", "full_attention", "sliding_attention", "full_attention", "sliding_attention", "full_attention",
          "sliding_attention"]
check(mixed.config.layer_types == wanted, "qwen2: layer_types are those of the layers")
odd = compare("qwen2-odd", qwen2, (4, 5), [(0, 0, 2), (1, 1, 3), (1, 4, 5)])
check(odd.config.layer_types == [wanted[i] for i in (0, 1, 1, 0, 0)], "qwen2: of layers that change their place, too")

# ---- further architectures: names, keys of depth, and what is said of each layer ----

ENCODER = dict(vocab_size=64, hidden_size=32, num_hidden_layers=4, num_attention_heads=4, intermediate_size=48)
DECODER = dict(num_hidden_layers=4, **SMALL)
IMAGES = dict(hidden_size=32, num_hidden_layers=4, num_attention_heads=4, intermediate_size=48, image_size=16, patch_size=8)
MIXED = ["full_attention", "sliding_attention", "sliding_attention", "full_attention"]
FURTHER = {
    "Qwen3": lambda t: t.Qwen3ForCausalLM(t.Qwen3Config(head_dim=8, **DECODER)),
    "Gemma2": lambda t: t.Gemma2ForCausalLM(t.Gemma2Config(head_dim=8, sliding_window=4, **DECODER)),
    "Gemma3": lambda t: t.Gemma3ForCausalLM(t.Gemma3TextConfig(head_dim=8, sliding_window=4, layer_types=MIXED, **DECODER)),
    "Mistral": lambda t: t.MistralForCausalLM(t.MistralConfig(sliding_window=4, **DECODER)),
    "Phi3": lambda t: t.Phi3ForCausalLM(t.Phi3Config(pad_token_id=0, bos_token_id=1, eos_token_id=2, **DECODER)),
    "Falcon": lambda t: t.FalconForCausalLM(t.FalconConfig(vocab_size=64, hidden_size=32, num_hidden_layers=4, num_attention_heads=4)),
    "Cohere2": lambda t: t.Cohere2ForCausalLM(t.Cohere2Config(sliding_window=4, layer_types=MIXED, **DECODER)),
    "GptOss": lambda t: t.GptOssForCausalLM(t.GptOssConfig(num_local_experts=2, num_experts_per_tok=1, head_dim=8, sliding_window=4, layer_types=MIXED, **DECODER)),
    "Mixtral": lambda t: t.MixtralForCausalLM(t.MixtralConfig(num_local_experts=2, **DECODER)),
    "SmolLM3": lambda t: t.SmolLM3ForCausalLM(t.SmolLM3Config(no_rope_layers=[1, 1, 1, 0], pad_token_id=0, **DECODER)),
    "Lfm2": lambda t: t.Lfm2ForCausalLM(t.Lfm2Config(layer_types=["conv", "full_attention", "conv", "full_attention"], **DECODER)),
    "GPTNeoX": lambda t: t.GPTNeoXForCausalLM(t.GPTNeoXConfig(**ENCODER)),
    "OPT": lambda t: t.OPTForCausalLM(t.OPTConfig(vocab_size=64, hidden_size=32, num_hidden_layers=4, num_attention_heads=4, ffn_dim=48, word_embed_proj_dim=32)),
    "Bloom": lambda t: t.BloomForCausalLM(t.BloomConfig(vocab_size=64, hidden_size=32, n_layer=4, n_head=4)),
    "GPTJ": lambda t: t.GPTJForCausalLM(t.GPTJConfig(vocab_size=64, n_embd=32, n_layer=4, n_head=4, rotary_dim=4)),
    "BERT": lambda t: t.BertForMaskedLM(t.BertConfig(**ENCODER)),
    "RoBERTa": lambda t: t.RobertaForSequenceClassification(t.RobertaConfig(**ENCODER)),
    "CLIP's text": lambda t: t.CLIPTextModel(t.CLIPTextConfig(**ENCODER)),
    "CLIP's images": lambda t: t.CLIPVisionModel(t.CLIPVisionConfig(**IMAGES)),
    "ViT": lambda t: t.ViTForImageClassification(t.ViTConfig(**IMAGES)),
}


def layers_in(made):
    return next(m for m in made.modules() if isinstance(m, torch.nn.ModuleList))


def kind_of(layer):
    """What a layer computes beside its weights: its window or type."""
    return getattr(layer, "attention_type", getattr(getattr(layer, "self_attn", None), "sliding_window", None))


def output(made):
    inputs = dict(pixel_values=torch.linspace(-1, 1, 768).reshape(1, 3, 16, 16)) if made.main_input_name == "pixel_values" else dict(input_ids=IDS.clamp(3))
    with torch.no_grad():
        return next(value for value in made.eval()(**inputs).values() if torch.is_tensor(value))


for name, make in FURTHER.items():
    model, folder = make(transformers).eval(), os.path.join(WORK.name, name)
    model.save_pretrained(folder)
    own = layers_in(model)
    for parts, order in (["0-4"], [0, 1, 2, 3]), (["0-2", "3-4"], [0, 1, 3]), (["0-3", "1-4"], [0, 1, 2, 1, 2, 3]):
        found, report = type(model).from_pretrained(merge("stack", "--parts", *[f"{folder}:{part}" for part in parts], dtype=None), output_loading_info=True)
        odd = {key: value for key, value in report.items() if value and key in ("missing_keys", "unexpected_keys", "mismatched_keys")}
        pairs = [(own[i], layer) for i, layer in zip(order, layers_in(found))]
        same = len(layers_in(found)) == len(order) and all(kind_of(a) == kind_of(b) and torch.equal(a.state_dict()[key], b.state_dict()[key])
                                                           for a, b in pairs for key in a.state_dict())
        computed = output(found)
        good = torch.equal(computed, output(model)) if len(order) == 4 else bool(torch.isfinite(computed).all())
        check(not odd and same and good, f"{name}, layers {order}: its layers, their kinds, and it computes {odd or ''}")
end()
