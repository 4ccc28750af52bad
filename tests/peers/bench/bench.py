"""Moonweld beside mergekit: the same models (base and three experts, bf16, SIZE GiB each, default 1), the same machine, whole
processes from start to end, one after the other. Seconds are the least of ROUNDS (3) for us and of one run for mergekit, whose
runs take minutes; memory is the largest resident size of the process. Needs room for five models in $TMPDIR.
    PEERS_PYTHON=VENV/bin/python; $PEERS_PYTHON tests/peers/bench/bench.py [METHOD...]
"""
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time

import torch
from safetensors.torch import save_file

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
PROGRAM = os.environ.get("MOONWELD", os.path.join(ROOT, "build", "moonweld"))
MERGEKIT = os.path.join(os.path.dirname(sys.executable), "mergekit-yaml")
SIZE, ROUNDS = float(os.environ.get("SIZE", "1")), int(os.environ.get("ROUNDS", "3"))
HIDDEN, WIDE, VOCABULARY = 2048, 5632, 32000
os.environ["HF_HUB_OFFLINE"] = "1"  # models are folders; nothing is asked of a network
work = tempfile.mkdtemp(prefix="moonweld-bench-")


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


def make_models():
    layers, names = shapes()
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


def run(command):
    """Seconds, seconds of CPU time, and the largest resident size in MB of a process."""
    shutil.rmtree(os.path.join(work, "out"), ignore_errors=True)
    begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(os.path.join(work, "said"), "w+b") as said:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said, cwd=work)
        peak = 0
        while process.poll() is None:  # (what wait4 tells would include our own size before the exec)
            with open(f"/proc/{process.pid}/status") as status:
                for line in status:
                    if line.startswith("VmHWM:"):
                        peak = max(peak, int(line.split()[1]))
            time.sleep(0.002)
        if process.returncode:
            said.seek(0)
            sys.exit(f"{command}: {said.read().decode()[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - begun, spent, peak / 1000


def mergekit(method, parameters, models, base=None):
    config = {"merge_method": method, "dtype": "bfloat16", "parameters": parameters,
              "models": [{"model": os.path.join(work, m), "parameters": p} for m, p in models]}
    if base:
        config["base_model"] = os.path.join(work, base)
    with open(os.path.join(work, "config.yml"), "w") as out:
        json.dump(config, out)  # JSON is YAML
    return [MERGEKIT, "config.yml", "out", "--quiet"]


one, half = {"weight": 1.0}, {"weight": 1.0, "density": 0.5}
task = ["--base", "base", "--experts", "a", "b", "c"]
methods = {
    "linear": (["soup", "--models", "a", "b"], lambda: mergekit("linear", {}, [("a", one), ("b", one)])),
    "slerp": (["slerp", "--a", "a", "--b", "b", "--t", "0.3"], lambda: mergekit("slerp", {"t": 0.3}, [("a", {}), ("b", {})], "a")),
    "task_arithmetic": (["task_arithmetic", *task], lambda: mergekit("task_arithmetic", {}, [("a", one), ("b", one), ("c", one)], "base")),
    "dare_ties": (["dare_ties", *task, "--drop", "0.5", "--profile", "mergekit"], lambda: mergekit("dare_ties", {}, [(m, half) for m in "abc"], "base")),
    "ties": (["ties", *task, "--density", "0.5"], lambda: mergekit("ties", {}, [(m, half) for m in "abc"], "base")),
    "ties, mergekit": (["ties", *task, "--density", "0.5", "--profile", "mergekit"], None),
}
try:
    make_models()
    previous = None
    print(f"{os.cpu_count()} processors, torch {torch.__version__}\n| method | moonweld | mergekit | faster | memory |\n|---|---|---|---|---|", flush=True)
    for name in sys.argv[1:] or methods:
        words, theirs = methods[name]
        ours = [run([PROGRAM, *words, "-o", "out", "--quiet"]) for _ in range(ROUNDS)]
        seconds, spent, memory = min(o[0] for o in ours), min(o[1] for o in ours), max(o[2] for o in ours)
        previous = run(theirs()) if theirs else previous
        print(f"| {name} | {seconds:.2f} s ({spent:.2f} s of CPU), {memory:.0f} MB | {previous[0]:.1f} s ({previous[1]:.1f} s), {previous[2]:.0f} MB "
              f"| {previous[0] / seconds:.0f}x ({previous[1] / spent:.0f}x) | 1/{previous[2] / memory:.0f} |", flush=True)
finally:
    shutil.rmtree(work, ignore_errors=True)
