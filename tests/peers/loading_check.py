"""What is written loads in transformers without a missing or unexpected tensor, and computes what the merged weights compute in torch:
heads that one file stores and another ties, fp8 weights with their scales, chat templates and donors, and folders from which what a
training left behind was not carried."""
import copy
import json
import os

import torch
from safetensors.torch import save_file
from transformers import (AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSeq2SeqLM, AutoTokenizer, BertConfig, GPT2Config, LlamaConfig,
                          PreTrainedTokenizerFast, SmolLM3Config, T5Config)
from transformers.utils import logging
from tokenizers import Tokenizer, models, pre_tokenizers

from peers import WORK, check, end, merge

torch.manual_seed(3)
logging.disable_progress_bar()
logging.set_verbosity_error()
T = 0.3
IDS = torch.tensor([[1, 5, 9, 2, 7]])
SMALL = {"vocab_size": 32, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}


def folder(name):
    return os.path.join(WORK.name, name)


def store(name, model, extra=(), without=(), config=None):
    """A model's folder as some tool writes it: with `extra` tensors {name: tensor}, without some, with other keys in config.json (None: absent)."""
    model.save_pretrained(folder(name))
    held = {key: value.clone().contiguous() for key, value in model.state_dict().items()}
    alone = {key: value for key, value in held.items() if not any(key.startswith(w) for w in without)}
    save_file({**alone, **dict(extra)}, os.path.join(folder(name), "model.safetensors"), metadata={"format": "pt"})
    path = os.path.join(folder(name), "config.json")
    keys = json.load(open(path))
    for key, value in (config or {}).items():
        keys.pop(key, None)
        if value is not None:
            keys[key] = value
    json.dump(keys, open(path, "w"))
    return folder(name)


def mixed(a, b, t=T):
    """The model whose every parameter is that of lerp."""
    result = copy.deepcopy(a)
    with torch.no_grad():
        other = dict(b.named_parameters())
        for name, value in result.named_parameters():
            value.copy_((1 - t) * value + t * other[name])
    return result.eval()


def logits(model):
    model.eval()
    with torch.no_grad():
        if model.config.is_encoder_decoder:
            return model(input_ids=IDS, decoder_input_ids=IDS).logits
        return model(input_ids=IDS).logits


def loads(what, auto, out, expected, tied=None, most=1e-5):
    model, told = auto.from_pretrained(out, output_loading_info=True, dtype=torch.float32)
    strange = sorted(told["missing_keys"]) + sorted(told["unexpected_keys"]) + sorted(map(str, told["mismatched_keys"]))
    check(not strange, f"{what}: no tensor is missing or unexpected {strange if strange else ''}")
    wanted = logits(expected)
    far, large = float((logits(model) - wanted).abs().max()), float(wanted.abs().max())
    check(far <= most and large > 50 * most, f"{what}: logits of up to {large:.2g} are {far:.2g} from torch's")
    if tied is not None:
        same = model.get_output_embeddings().weight.data_ptr() == model.get_input_embeddings().weight.data_ptr()
        check(same == tied, f"{what}: the head is {'tied' if tied else 'untied'}")
    return model


def pair(auto, config):
    return auto.from_config(config), auto.from_config(config)


# ---- heads and aliases that one file holds and another does not ----

auto = AutoModelForCausalLM
a, b = pair(auto, GPT2Config(vocab_size=32, n_positions=16, n_embd=16, n_layer=2, n_head=2))
plain, headed = store("gpt2-a", a, without=["lm_head"]), store("gpt2-b", b)
for first, second, x, y in ((plain, headed, a, b), (headed, plain, b, a)):
    loads("GPT-2", auto, merge("lerp", "--a", first, "--b", second, "--t", T), mixed(x, y), tied=True)

a, b = pair(AutoModelForSeq2SeqLM, T5Config(vocab_size=32, d_model=16, d_kv=8, d_ff=24, num_layers=2, num_decoder_layers=3, num_heads=2,
                                            decoder_start_token_id=0))
aliases = ["encoder.embed_tokens", "decoder.embed_tokens", "lm_head"]
plain, full = store("t5-a", a, without=aliases), store("t5-b", b)
for first, second, x, y in ((plain, full, a, b), (full, plain, b, a)):
    loads("T5", AutoModelForSeq2SeqLM, merge("lerp", "--a", first, "--b", second, "--t", T), mixed(x, y), tied=True)

a, b = pair(auto, SmolLM3Config(**SMALL, num_key_value_heads=1, pad_token_id=0))
first, second = store("smol-a", a, without=["lm_head"], config={"tie_word_embeddings": None}), store("smol-b", b)
loads("SmolLM3, tied by default", auto, merge("lerp", "--a", first, "--b", second, "--t", T), mixed(a, b), tied=True)

a, b = pair(AutoModelForMaskedLM, BertConfig(**SMALL, max_position_embeddings=16))
first, second = store("bert-a", a, without=["cls.predictions.decoder"]), store("bert-b", b)
loads("BERT", AutoModelForMaskedLM, merge("lerp", "--a", first, "--b", second, "--t", T), mixed(a, b), tied=True)

tied = LlamaConfig(**SMALL, num_key_value_heads=1, tie_word_embeddings=True)
untied = LlamaConfig(**SMALL, num_key_value_heads=1, tie_word_embeddings=False)
(a, b), (c, d) = pair(auto, tied), pair(auto, untied)
ta, tb, uc, ud = store("tied-a", a, without=["lm_head"]), store("tied-b", b), store("untied-c", c), store("untied-d", d)
loads("Llama, tied", auto, merge("lerp", "--a", ta, "--b", tb, "--t", T), mixed(a, b), tied=True)
loads("Llama, untied", auto, merge("lerp", "--a", uc, "--b", ud, "--t", T), mixed(c, d), tied=False)
opened = copy.deepcopy(c)
with torch.no_grad():
    values = dict(a.named_parameters())
    for name, value in opened.named_parameters():
        value.copy_(values.get(name, a.get_input_embeddings().weight))
loads("Llama, an untied donor and a tied model", auto, merge("lerp", "--a", uc, "--b", ta, "--t", T), mixed(c, opened), tied=False)
loads("Llama, a tied donor untied", auto, merge("lerp", "--a", ta, "--b", uc, "--t", T, "--tied", "untie"), mixed(opened, c), tied=False)

# ---- fp8 weights with their scales ----

for scale_name, shape in (("weight_scale", ()), ("weight_scale", (1,)), ("weight_scale_inv", ())):
    coded, values = {}, copy.deepcopy(d)
    with torch.no_grad():
        for name, value in values.named_parameters():
            if "proj" in name:
                scale = value.abs().max() / 448
                code = (value / scale).to(torch.float8_e4m3fn)
                coded[name], coded[name.replace("weight", scale_name)] = code, scale.reshape(shape).clone()
                value.copy_(code.float() * scale)
    fp8 = store("fp8", d, extra=coded, config={"quantization_config": {"quant_method": "fp8", "activation_scheme": "dynamic"}})
    loads(f"fp8 with {scale_name} {list(shape)}", auto, merge("lerp", "--a", uc, "--b", fp8, "--t", T), mixed(c, values))
    out = merge("lerp", "--a", fp8, "--b", uc, "--t", T, dtype=None)
    loads(f"fp8 with {scale_name} {list(shape)} as the donor, as bf16", auto, out, mixed(values, c), most=5e-4)
    check("quantization_config" not in json.load(open(os.path.join(out, "config.json"))), "... whose configuration names no quantisation")

# ---- chat files ----


def tokenizer(name, template, end):
    words = {"<s>": 0, "</s>": 1, "<|im_end|>": 2, **{chr(97 + i): 3 + i for i in range(26)}}
    core = Tokenizer(models.WordLevel(words, unk_token="<s>"))
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(tokenizer_object=core, bos_token="<s>", eos_token=end)
    fast.chat_template = template
    fast.save_pretrained(folder(name))


tokenizer("untied-c", "base: {{ messages[0]['content'] }}", "</s>")
tokenizer("untied-d", "chat: {{ messages[0]['content'] }}", "<|im_end|>")
talk = [{"role": "user", "content": "x"}]
for words, said, eos in (([], "base: x", "</s>"), (["--donor", "b"], "chat: x", "<|im_end|>"), (["--chat-template", "b"], "chat: x", "</s>")):
    out = merge("lerp", "--a", uc, "--b", ud, "--t", T, *words)
    loaded = AutoTokenizer.from_pretrained(out)
    check(loaded.apply_chat_template(talk, tokenize=False) == said, f"chat template {' '.join(words) or 'of the donor'}")
    check(loaded.eos_token == eos, f"end token {' '.join(words) or 'of the donor'}")
    loads(f"a model with chat files {' '.join(words)}", auto, out, mixed(c, d))
with open(folder("own.jinja"), "w") as file:
    file.write("own: {{ messages[0]['content'] }}")
out = merge("lerp", "--a", uc, "--b", ud, "--t", T, "--chat-template", folder("own.jinja"))
check(AutoTokenizer.from_pretrained(out).apply_chat_template(talk, tokenize=False) == "own: x", "chat template of a file")

# ---- what is left behind is not needed ----

for name, text in (("adapter_config.json", '{"peft_type": "LORA", "base_model_name_or_path": "nobody/nothing"}'), ("training_args.bin", "x"),
                   ("optimizer.pt", "x"), ("trainer_state.json", "{}"), ("pytorch_model.bin", "x"), ("pytorch_model.bin.index.json", "{}"),
                   ("model.safetensors.index.json", ""), ("tf_model.h5", "x"), ("model.onnx", "x"), ("all_results.json", "{}")):
    if text:
        with open(os.path.join(uc, name), "w") as file:
            file.write(text)
out = merge("lerp", "--a", uc, "--b", ud, "--t", T)
loads("a donor with the rest of a training", auto, out, mixed(c, d), tied=False)
loaded = AutoTokenizer.from_pretrained(out)
check(loaded.apply_chat_template(talk, tokenize=False) == "base: x", "... and its tokenizer")

end()
