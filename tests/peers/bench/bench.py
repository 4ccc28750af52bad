"""Moonweld beside mergekit: the same file, the same models (base and three experts, bf16, SIZE GiB each, default 1), the same machine,
whole processes from start to end, one after the other; neither waits for the disk. Seconds are the least of ROUNDS (3) for us and of one
run for mergekit, whose runs take minutes; memory is the largest resident size of the process. Needs room for five models in $TMPDIR.
    PEERS_PYTHON=VENV/bin/python; $PEERS_PYTHON tests/peers/bench/bench.py [METHOD...]
"""
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import torch
from safetensors.torch import save_file

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
PROGRAM = os.environ.get("MOONWELD", os.path.join(ROOT, "build", "moonweld"))
MERGEKIT = os.environ.get("MERGEKIT", os.path.join(os.path.dirname(sys.executable), "mergekit-yaml"))
SIZE, ROUNDS = float(os.environ.get("SIZE", "1")), int(os.environ.get("ROUNDS", "3"))
HIDDEN, WIDE, VOCABULARY = 2048, 5632, 32000
os.environ["HF_HUB_OFFLINE"] = "1"  # models are folders; nothing is asked of a network
work = tempfile.mkdtemp(prefix="moonweld-bench-")
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # a time limit ends it as Ctrl-C does: models of gigabytes do not stay


def shapes():
    """A Llama of about SIZE GiB in bf16."""
    per_layer = 4 * HIDDEN * HIDDEN + 3 * HIDDEN * WIDE + 2 * HIDDEN
    layers = max(1, round((SIZE * 2 ** 29 - VOCABULARY * HIDDEN) / per_layer))
    result = {"model.embed_tokens.weight": (VOCABULARY, HIDDEN), "model.norm.weight": (HIDDEN,)}
    for layer in range(layers):
        at = f"model.layers.{layer}."
        result |= {at + f"self_attn.{x}_proj.weight": (HIDDEN, HIDDEN) for x in "qkvo"}
        result |= {at + f"mlp.{x}_proj.weight": (WIDE, HIDDEN) for x in ("gate", "up")}
        result |= {at + "mlp.down_proj.weight": (HIDDEN, WIDE), at + "input_layernorm.weight": (HIDDEN,), at + "post_attention_layernorm.weight": (HIDDEN,)}
    return layers, result


def tokenizer(folder, own):
    """VOCABULARY tokens, the last 64 of which only models with the same `own` have."""
    tokens = [f"t{i}" for i in range(VOCABULARY - 64)] + [f"{own}{i}" for i in range(64)]
    made = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None, "pre_tokenizer": None, "post_processor": None,
            "decoder": None, "model": {"type": "BPE", "dropout": None, "unk_token": "t0", "continuing_subword_prefix": None, "end_of_word_suffix": None,
                                       "fuse_unk": False, "byte_fallback": False, "vocab": {t: i for i, t in enumerate(tokens)}, "merges": []}}
    for name, content in [("tokenizer.json", made), ("tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "t0"})]:
        with open(os.path.join(folder, name), "w") as out:
            json.dump(content, out)


def make_models():
    names = shapes()[1]
    layers = LAYERS
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": HIDDEN, "intermediate_size": WIDE, "vocab_size": VOCABULARY,
              "num_hidden_layers": layers, "num_attention_heads": 16, "num_key_value_heads": 16, "max_position_embeddings": 2048,
              "rms_norm_eps": 1e-5, "tie_word_embeddings": True, "torch_dtype": "bfloat16", "hidden_act": "silu"}
    base = None
    for seed, name in enumerate(["base", "a", "b", "c"]):
        random = torch.Generator().manual_seed(seed)
        size = 0.02 if name == "base" else 0.001
        noise = {n: torch.randn(s, generator=random) * size for n, s in names.items()}
        model = {n: (t if base is None else base[n].float() + t).bfloat16() for n, t in noise.items()}
        base = base or model
        os.makedirs(os.path.join(work, name))
        save_file(model, os.path.join(work, name, "model.safetensors"), metadata={"format": "pt"})
        with open(os.path.join(work, name, "config.json"), "w") as out:
            json.dump(config, out)
        tokenizer(os.path.join(work, name), name if name == "b" else "x")


def run(command):
    """Seconds, seconds of CPU time, and the largest resident size in MB of a process."""
    shutil.rmtree(os.path.join(work, "out"), ignore_errors=True)
    begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(os.path.join(work, "said"), "w+b") as said:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said, cwd=work)
        peak = 0
        try:
            while process.poll() is None:  # (what wait4 tells would include our own size before the exec)
                with open(f"/proc/{process.pid}/status") as status:
                    for line in status:
                        if line.startswith("VmHWM:"):
                            peak = max(peak, int(line.split()[1]))
                time.sleep(0.002)
        finally:
            process.kill()
        if process.returncode:
            said.seek(0)
            sys.exit(f"{command}: {said.read().decode()[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - begun, spent, peak / 1000


def models(*names, **parameters):
    return [{"model": os.path.join(work, name), "parameters": parameters} for name in names]


def slices(*names):
    third = [LAYERS * i // 3 for i in range(4)] if LAYERS >= 3 else None
    ranges = [third[i:i + 2] for i in range(3)] if third else [[0, LAYERS]] * 3
    return [{"sources": [{"model": os.path.join(work, name), "layer_range": of}]} for name, of in zip(names, ranges)]


LAYERS = shapes()[0]
half = {"weight": 1.0, "density": 0.5}
methods = {
    "linear": {"models": models("a", "b", weight=1.0)},
    "slerp": {"models": models("a", "b"), "base_model": os.path.join(work, "a"), "parameters": {"t": 0.3}},
    "task_arithmetic": {"models": models("a", "b", "c", weight=1.0), "base_model": os.path.join(work, "base")},
    "ties": {"models": models("a", "b", "c", **half), "base_model": os.path.join(work, "base")},
    "dare_ties": {"models": models("a", "b", "c", **half), "base_model": os.path.join(work, "base")},
    "della": {"models": models("a", "b", "c", **half, epsilon=0.1), "base_model": os.path.join(work, "base")},
    "breadcrumbs": {"models": models("a", "b", "c", **half, gamma=0.01), "base_model": os.path.join(work, "base")},
    "karcher": {"models": models("a", "b", "c")},
    "model_stock": {"models": models("a", "b", "c"), "base_model": os.path.join(work, "base")},
    "a stack": {"merge_method": "passthrough", "slices": slices("a", "b", "a")},
    "a union": {"merge_method": "linear", "models": models("a", "b", weight=1.0), "tokenizer": {"source": "union"}},
}


def write(name):
    with open(os.path.join(work, "config.yml"), "w") as out:
        json.dump({"merge_method": name, "dtype": "bfloat16", **methods[name]}, out)  # JSON is YAML


try:
    make_models()
    print(f"{os.cpu_count()} processors, torch {torch.__version__}, {SIZE:g} GiB, {LAYERS} layers")
    print("| method | moonweld | mergekit | faster | memory |\n|---|---|---|---|---|", flush=True)
    for name in sys.argv[1:] or methods:
        write(name)
        ours = [run([PROGRAM, "config.yml", "-o", "out", "--quiet", "--no-sync"]) for _ in range(ROUNDS)]
        seconds, spent, memory = min(o[0] for o in ours), min(o[1] for o in ours), max(o[2] for o in ours)
        theirs = run([MERGEKIT, "config.yml", "out", "--quiet"])
        print(f"| {name} | {seconds:.2f} s ({spent:.2f} s of CPU), {memory:.0f} MB | {theirs[0]:.1f} s ({theirs[1]:.1f} s), {theirs[2]:.0f} MB "
              f"| {theirs[0] / seconds:.0f}x ({theirs[1] / spent:.0f}x) | 1/{theirs[2] / memory:.0f} |", flush=True)
finally:
    shutil.rmtree(work, ignore_errors=True)
