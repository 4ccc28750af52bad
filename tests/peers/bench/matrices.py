"""TSV-M and Iso-C in moonweld beside torch, as their authors' code computes them (torch.linalg.svd in f32, matrix by matrix): a base and
three experts of SIZE GiB each (1) in bf16, layers of a Llama of width HIDDEN (2048), THREADS (all) for both, whole processes, one after the other. Says seconds, seconds of
CPU time (which a busy machine leaves alone), the largest resident sizes, and how far the results differ, as a share of the merged task vector's norm. TSV-M keeps
torch's int(n / 3) singular values of each expert where n / 3 is no whole number, ours the nearest: HIDDEN a multiple of 3 makes them the same.
    PEERS_PYTHON=VENV/bin/python tests/peers/bench/run.sh matrices [tsv_m|iso_c]...
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

HERE = os.path.dirname(os.path.realpath(__file__))
PROGRAM = os.path.realpath(os.environ.get("MOONWELD", os.path.join(HERE, "..", "..", "..", "build", "moonweld")))
SIZE, HIDDEN, THREADS = float(os.environ.get("SIZE", "1")), int(os.environ.get("HIDDEN", "2048")), int(os.environ.get("THREADS", os.cpu_count()))
WIDE, NAMES = HIDDEN * 11 // 4, ["base", "a", "b", "c"]


def shapes():
    per_layer = 4 * HIDDEN * HIDDEN + 3 * HIDDEN * WIDE
    result = {}
    for layer in range(max(1, round(SIZE * 2 ** 29 / per_layer))):
        at = f"model.layers.{layer}."
        result |= {at + f"self_attn.{x}_proj.weight": (HIDDEN, HIDDEN) for x in "qkvo"}
        result |= {at + f"mlp.{x}_proj.weight": (WIDE, HIDDEN) for x in ("gate", "up")}
        result |= {at + "mlp.down_proj.weight": (HIDDEN, WIDE), at + "input_layernorm.weight": (HIDDEN,)}
    return result


def tsv_m(taus):
    import torch
    parts = [torch.linalg.svd(t, full_matrices=False) for t in taus]
    k = int(parts[0][1].shape[0] / len(taus))
    u, s, v = torch.cat([p[0][:, :k] for p in parts], 1), torch.cat([p[1][:k] for p in parts]), torch.cat([p[2][:k] for p in parts])
    uu, _, uv = torch.linalg.svd(u, full_matrices=False)
    vu, _, vv = torch.linalg.svd(v, full_matrices=False)
    return torch.linalg.multi_dot((uu, uv, torch.diag(s), vu, vv))


def iso_c(taus):
    import torch
    u, s, v = torch.linalg.svd(sum(taus), full_matrices=False)
    return torch.linalg.multi_dot((u, torch.diag(torch.full_like(s, s.mean().item())), v))


def torch_merge(method):
    """A process of its own: reads the four models, merges, writes."""
    import torch
    from safetensors.torch import load_file, save_file
    torch.set_num_threads(THREADS)
    base, *experts = (load_file(os.path.join(name, "model.safetensors")) for name in NAMES)
    with torch.inference_mode():
        merged = {}
        for name, of_base in base.items():
            taus = [e[name].float() - of_base.float() for e in experts]
            delta = sum(taus) / len(taus) if of_base.dim() < 2 else {"tsv_m": tsv_m, "iso_c": iso_c}[method](taus)
            merged[name] = (of_base.float() + delta).bfloat16()
        save_file(merged, "theirs.safetensors", metadata={"format": "pt"})


def make_models():
    """Task vectors of low rank with noise beside, as fine-tunes have them."""
    import torch
    from safetensors.torch import save_file
    base = None
    for seed, folder in enumerate(NAMES):
        random = torch.Generator().manual_seed(seed)
        made = {}
        for name, shape in shapes().items():
            noise = torch.randn(shape, generator=random)
            if base is None:
                made[name] = (0.02 * noise).bfloat16()
                continue
            if len(shape) == 2:
                noise += 8 * torch.randn(shape[0], 16, generator=random) @ torch.randn(16, shape[1], generator=random)
            made[name] = (base[name].float() + 0.0005 * noise).bfloat16()
        base = base or made
        os.makedirs(folder)
        save_file(made, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
        with open(os.path.join(folder, "config.json"), "w") as out:
            json.dump({"model_type": "bench"}, out)


def run(command, environment):
    begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    with open("said", "w+") as said:
        process, peak = subprocess.Popen(command, stdout=said, stderr=said, env=os.environ | environment), 0
        try:
            while process.poll() is None:
                with open(f"/proc/{process.pid}/status") as status:
                    peak = max([peak] + [int(line.split()[1]) for line in status if line.startswith("VmHWM:")])
                time.sleep(0.01)
        finally:
            process.kill()
        if process.returncode:
            said.seek(0)
            sys.exit(f"{command}: {said.read()[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - begun, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, peak / 1000


def difference():
    """Of the merged task vectors, matrices alone."""
    from safetensors.torch import load_file
    base, ours, theirs = (load_file(f) for f in ("base/model.safetensors", "out.safetensors", "theirs.safetensors"))
    matrices = [n for n in base if base[n].dim() == 2]
    far = sum(((ours[n].float() - theirs[n].float()) ** 2).sum().item() for n in matrices)
    return (far / sum(((theirs[n].float() - base[n].float()) ** 2).sum().item() for n in matrices)) ** 0.5


def main():
    import torch
    work = tempfile.mkdtemp(prefix="moonweld-bench-")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        os.chdir(work)
        make_models()
        bytes_each = os.path.getsize("base/model.safetensors")
        print(f"{THREADS} threads of {os.cpu_count()} processors, torch {torch.__version__}, three experts of {bytes_each / 2 ** 30:.2f} GiB, width {HIDDEN}")
        print("| method | moonweld | torch | faster | memory | difference |\n|---|---|---|---|---|---|", flush=True)
        for method in sys.argv[1:] or ["tsv_m", "iso_c"]:
            for left in ("out.safetensors", "out.safetensors.lock.json", "out.lock.json", "out.md"):
                if os.path.exists(left):
                    os.remove(left)
            ours = run([PROGRAM, method, "--base", "base", "--experts", "a", "b", "c", "-o", "out.safetensors", "--quiet", "--no-sync",
                        "--threads", str(THREADS)], {})
            theirs = run([sys.executable, os.path.join(HERE, "matrices.py"), "--torch", method], {"OMP_NUM_THREADS": str(THREADS)})
            print(f"| {method} | {ours[0]:.1f} s ({ours[1]:.1f} s of CPU), {ours[2]:.0f} MB | {theirs[0]:.1f} s ({theirs[1]:.1f} s), {theirs[2]:.0f} MB "
                  f"| {theirs[0] / ours[0]:.1f}x ({theirs[1] / ours[1]:.1f}x) | 1/{theirs[2] / ours[2]:.1f} | {difference():.1e} |", flush=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)


if sys.argv[1:2] == ["--torch"]:
    torch_merge(sys.argv[2])
else:
    main()
