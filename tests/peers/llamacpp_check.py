"""What is written goes through llama.cpp's converter, and every tensor of the GGUF file is the one that was merged. LLAMA_CPP names a
checkout of llama.cpp (its convert_hf_to_gguf.py, with the packages that it asks for)."""
import glob
import json
import logging
import os
import runpy
import sys

import numpy
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, trainers
from transformers import PreTrainedTokenizerFast

from peers import WORK, check, end, merge, pico

LLAMA_CPP = os.environ.get("LLAMA_CPP", "")
if not os.path.exists(os.path.join(LLAMA_CPP, "convert_hf_to_gguf.py")):
    print("skipped: LLAMA_CPP names no checkout of llama.cpp")
    sys.exit(0)
sys.path[:0] = [LLAMA_CPP, os.path.join(LLAMA_CPP, "gguf-py")]
import gguf  # noqa: E402

OUTER = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight", "lm_head.weight": "output.weight"}
INNER = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
         "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
         "mlp.down_proj": "ffn_down", "block_sparse_moe.gate": "ffn_gate_inp"}
EXPERT = {"w1": "ffn_gate_exps", "w2": "ffn_down_exps", "w3": "ffn_up_exps"}


def run(script, *words):
    """A program of llama.cpp in this process; whether it came to its end."""
    kept, sys.argv = sys.argv, [script, *map(str, words)]
    logging.disable(logging.INFO)
    try:
        runpy.run_path(os.path.join(LLAMA_CPP, script), run_name="__main__")
        return True
    except (Exception, SystemExit) as error:
        print(f"  {type(error).__name__}: {error}")
        return False
    finally:
        sys.argv = kept


def stored(reader):
    """{name: tensor in float32} of a GGUF file."""
    return {t.name: gguf.quants.dequantize(t.data, t.tensor_type).reshape([int(n) for n in reversed(t.shape)]) for t in reader.tensors}


def rotary(weight, heads):
    """How llama.cpp orders the rows of queries and keys of Llama."""
    return weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)


def expected(name, value, config):
    """Of a tensor that was merged its name in a GGUF file, the place in a tensor that joins experts, and its value there."""
    if name in OUTER:
        return OUTER[name], None, value
    layer, rest = name.removeprefix("model.layers.").split(".", 1)
    part = rest.removesuffix(".weight")
    if ".experts." in part:
        expert, matrix = part.split(".experts.")[1].split(".")
        return f"blk.{layer}.{EXPERT[matrix]}.weight", int(expert), value
    if config["model_type"] in ("llama", "mixtral") and part in ("self_attn.q_proj", "self_attn.k_proj"):
        value = rotary(value, config["num_attention_heads" if part.endswith("q_proj") else "num_key_value_heads"])
    return f"blk.{layer}.{INNER[part]}.weight", None, value


def convert(what, folder):
    out = folder + ".gguf"
    check(run("convert_hf_to_gguf.py", folder, "--outfile", out, "--outtype", "f32"), f"{what}: converted")
    if not os.path.exists(out):
        return
    with open(os.path.join(folder, "config.json")) as file:
        config = json.load(file)
    reader = gguf.GGUFReader(out)
    found, wanted, wrong = stored(reader), 0, []
    for path in glob.glob(os.path.join(folder, "*.safetensors")):
        for name, value in load_file(path).items():
            key, place, value = expected(name, value.float().numpy(), config)
            got = found.get(key)
            got = got if got is None or place is None else got[place]
            wanted += 1
            if got is None or got.size != value.size or not numpy.array_equal(got.reshape(value.shape), value):
                wrong.append(name)
    check(wanted > 0 and not wrong, f"{what}: {wanted} tensors as they were merged {wrong[:3] or ''}")
    architecture = reader.fields["general.architecture"].contents()
    check(reader.fields[f"{architecture}.block_count"].contents() == config["num_hidden_layers"], f"{what}: as many layers as config.json says")
    rows = len(reader.fields["tokenizer.ggml.tokens"].contents())
    check(rows == config["vocab_size"], f"{what}: {rows} tokens")


def spelled(name, texts, special=()):
    """A Llama of pico's weights whose tokenizer is a tokenizer.json of Llama 2's kind."""
    made = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    made.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    made.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()])
    first = ["<unk>", "<s>", "</s>"]
    made.train_from_iterator(texts * 20, trainers.BpeTrainer(vocab_size=320, show_progress=False,
                                                            special_tokens=first + [f"<0x{i:02X}>" for i in range(256)]))
    data = json.loads(made.to_str())
    data["added_tokens"] = [token for token in data["added_tokens"] if not token["content"].startswith("<0x")]
    made = Tokenizer.from_str(json.dumps(data))
    made.add_tokens([AddedToken(token, normalized=False) for token in special])
    folder = os.path.join(WORK.name, name)
    PreTrainedTokenizerFast(tokenizer_object=made, unk_token="<unk>", bos_token="<s>", eos_token="</s>").save_pretrained(folder)
    size = made.get_vocab_size()
    weights = {key: value[:size].clone() if key == "model.embed_tokens.weight" else value
               for key, value in load_file(os.path.join(pico("base"), "model.safetensors")).items()}
    save_file(weights, os.path.join(folder, "model.safetensors"), {"format": "pt"})
    with open(os.path.join(pico("base"), "config.json")) as file:
        config = json.load(file) | {"vocab_size": size}
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(config, file)
    return folder


kjv, de, py, base = map(pico, ("kjv", "de", "py", "base"))
convert("a merge", merge("slerp", "--a", kjv, "--b", de, dtype=None))
convert("shards", merge("soup", "--models", kjv, de, "--shard-size", "1MB"))
convert("a stack", merge("stack", "--parts", f"{kjv}:0-4", f"{de}:2-5", dtype=None))
convert("a tokenizer of another", merge("soup", "--models", kjv, py, "--tokenizer", "base", "--pad-vocabulary", 48, dtype=None))
convert("an adapter", merge("soup", "--models", base + "+" + pico("lora"), dtype=None))
convert("a mixture", merge("moe", "--base", base, "--experts", kjv, de, dtype=None))
one = spelled("one", ["the winter was long and the river froze", "she walked home after the rain"], ["<|one|>"])
two = spelled("two", ["def main(argv): return len(argv);", "for (i = 0; i < n; i++) sum += a[i];"], ["<|two|>"])
convert("a union of vocabularies", merge("soup", "--models", one, two, "--tokenizer", "union", dtype=None))

made = merge("extract_lora", "--base", base, "--tuned", kjv, "--rank", 4)
out = os.path.join(made, "adapter.gguf")
check(run("convert_lora_to_gguf.py", made, "--base", base, "--outfile", out), "an extracted adapter: converted")
if os.path.exists(out):
    found, factors = stored(gguf.GGUFReader(out)), load_file(os.path.join(made, "adapter_model.safetensors"))
    check(len(found) == len(factors), f"an extracted adapter: {len(found)} of {len(factors)} factors")
end()
