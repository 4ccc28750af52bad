"""A step of DAM in moonweld beside the same step in plain torch (torch_dam.py): SmolLM2-135M's shape with random weights, three
experts, 256 tokens of each, f32. Both take the same STEPS (5) on the same files in one run; each is stopped while the other
works. Says the seconds of a step, the least and the middle ratio, the same of CPU time (which a busy machine leaves alone), the
largest resident sizes, and whether both found the same losses. Needs 1 GB of $TMPDIR and 7 GB of memory; LAYERS makes it smaller.
    PEERS_PYTHON=VENV/bin/python tests/peers/bench/run.sh learn
"""
import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import torch
from safetensors.torch import save_file

HERE = os.path.dirname(os.path.realpath(__file__))
PROGRAM = os.environ.get("MOONWELD", os.path.join(HERE, "..", "..", "..", "build", "moonweld"))
STEPS, LAYERS, THREADS = (int(os.environ.get(name, default)) for name, default in (("STEPS", 5), ("LAYERS", 30), ("THREADS", os.cpu_count())))
EXPERTS, HIDDEN, KV, WIDE, VOCABULARY, TOKENS = 3, 576, 192, 1536, 49152, 256
work = tempfile.mkdtemp(prefix="moonweld-bench-")


def put(name, tensors):
    path = os.path.join(work, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    save_file(tensors, path, metadata={"format": "pt"})
    return path


def make():
    """Folders of three experts, near to one base, and a file of 257 tokens for each."""
    shapes = {"model.embed_tokens.weight": (VOCABULARY, HIDDEN), "model.norm.weight": (HIDDEN,)}
    for layer in range(LAYERS):
        at = f"model.layers.{layer}."
        shapes |= {f"{at}self_attn.{p}_proj.weight": (n, HIDDEN) for p, n in (("q", HIDDEN), ("k", KV), ("v", KV), ("o", HIDDEN))}
        shapes |= {f"{at}mlp.{p}_proj.weight": (WIDE, HIDDEN) for p in ("gate", "up")} | {at + "mlp.down_proj.weight": (HIDDEN, WIDE)}
        shapes |= {f"{at}{p}_layernorm.weight": (HIDDEN,) for p in ("input", "post_attention")}
    config = {"model_type": "llama", "hidden_size": HIDDEN, "num_hidden_layers": LAYERS, "num_attention_heads": 9, "num_key_value_heads": 3,
              "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "hidden_act": "silu", "tie_word_embeddings": True}
    random = torch.Generator().manual_seed(1)

    def near(center, size):
        return {n: center[n] + torch.randn(s, generator=random) * size for n, s in shapes.items()}

    base = near({n: torch.full(s, float(len(s) == 1)) for n, s in shapes.items()}, 0.04)
    folders, files = [], []
    for i in range(EXPERTS):
        files.append(put(f"data{i}.safetensors", {"input_ids": torch.randint(VOCABULARY, (1, TOKENS + 1), generator=random, dtype=torch.int32)}))
        folders.append(os.path.dirname(put(f"expert{i}/model.safetensors", {n: t.bfloat16() for n, t in near(base, 0.01).items()})))
        with open(os.path.join(folders[i], "config.json"), "w") as out:
            json.dump(config, out)
    return folders, files


def peak(pid):
    """The largest resident size so far, in MB."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1000


def spent(pid):
    """Seconds of CPU time so far."""
    with open(f"/proc/{pid}/stat") as stat:
        user, system = stat.read().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def ours(folders, files):
    """One step after the other, each with its seconds, seconds of CPU time and loss. The first step's time is not its own: reading
    the command line and planning come before it."""
    command = [PROGRAM, "dam", "--experts", *folders, "--data", *files, "--steps", str(STEPS + 1), "--windows", "1", "--window", str(TOKENS),
               "--threads", str(THREADS), "--log-json", "-o", os.path.join(work, "out")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    begun, before = time.monotonic(), 0
    try:
        for line in process.stderr:
            event = json.loads(line)
            if event["event"] == "error":
                sys.exit(event["text"])
            if event["event"] == "learning":
                step = {"seconds": time.monotonic() - begun, "cpu": spent(process.pid) - before, "loss": event["loss"], "peak": peak(process.pid)}
                process.send_signal(signal.SIGSTOP)
                before = spent(process.pid)
                yield step
                begun = time.monotonic()
                process.send_signal(signal.SIGCONT)
    finally:
        process.kill()
        process.wait()


def theirs(folders, files):
    command = [sys.executable, os.path.join(HERE, "torch_dam.py"), str(THREADS), *folders, "--", *files]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        for _ in range(STEPS + 1):
            print("step", file=process.stdin, flush=True)
            yield json.loads(process.stdout.readline()) | {"peak": peak(process.pid)}
    finally:
        process.kill()
        process.wait()


try:
    models = make()
    with contextlib.closing(theirs(*models)) as torch_steps, contextlib.closing(ours(*models)) as our_steps:
        pairs = list(zip(torch_steps, our_steps))
finally:
    shutil.rmtree(work, ignore_errors=True)
apart = max(abs(t["loss"] - o["loss"]) for t, o in pairs)
print(f"{THREADS} threads, torch {torch.__version__}, {LAYERS} layers, {EXPERTS} experts, {TOKENS} tokens each, {STEPS} steps after the first")
print(f"losses {pairs[0][1]['loss']:.6f} to {pairs[-1][1]['loss']:.6f}, apart at most {apart:.1e} [1e-4]")
print("| | moonweld | torch | ratio of the least | middle ratio | wanted |\n|---|---|---|---|---|---|")
for key, what, wanted in (("seconds", "a step, seconds", "1.3"), ("cpu", "a step, CPU seconds", "")):
    a, b = [o[key] for _, o in pairs[1:]], [t[key] for t, _ in pairs[1:]]
    middle = statistics.median(y / x for x, y in zip(a, b))
    print(f"| {what} | {min(a):.2f} | {min(b):.2f} | {min(b) / min(a):.2f} | {middle:.2f} | {wanted} |")
a, b = max(o["peak"] for _, o in pairs), max(t["peak"] for t, _ in pairs)
print(f"| memory, MB | {a:.0f} | {b:.0f} | {b / a:.2f} | | 4 |")
sys.exit(apart > 1e-4)
