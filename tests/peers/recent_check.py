"""The twelve methods of 2020 to 2025 that stand beside the list of tests/methods, from their papers' formulas in numpy, in double, on a small family
of models; those of data on the carried models, by torch's gradients and what transformers' layers read. What is drawn is held to its distribution."""
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from peers import ROOT, WORK, check, end, merge, pico

torch.set_num_threads(1)
rng = np.random.default_rng(1)
SHAPES = {"model.layers.0.w": (12, 16), "model.layers.1.w": (16, 8), "model.norm.weight": (16,)}


def write(name, tensors):
    place = os.path.join(WORK.name, name + ".safetensors")
    save_file({k: torch.from_numpy(np.ascontiguousarray(v.astype(np.float32))) for k, v in tensors.items()}, place)
    return place, {k: v.astype(np.float32).astype(np.float64) for k, v in tensors.items()}


def random_model(name, scale=1.0, around=None, positive=False):
    drawn = {k: scale * rng.standard_normal(s) for k, s in SHAPES.items()}
    return write(name, {k: np.abs(v) if positive else v + (around[k] if around else 0) for k, v in drawn.items()})


BASE_FILE, BASE = random_model("base")
FAMILY = [random_model(f"e{i}", 0.1 * (i + 1), BASE) for i in range(3)]
FILES, EXPERTS = [f for f, _ in FAMILY], [e for _, e in FAMILY]
TAU = [{k: e[k] - BASE[k] for k in SHAPES} for e in EXPERTS]


def ours(method, *words, seed=0):
    folder = merge(os.path.join(ROOT, "tests", "methods", method + ".lua"), *words, seed=seed)
    return {k: v.double().numpy() for k, v in load_file(os.path.join(folder, "model.safetensors")).items()}


def held(method, found, wanted, most=1e-5):
    worst = max(np.abs(found[k] - wanted[k]).max() / np.abs(wanted[k]).max() for k in wanted)
    check(worst < most, f"{method}: {worst:.1e} of a tensor's largest element")


def top(x, share):
    """The largest magnitudes, that share of them."""
    least = np.sort(np.abs(x), axis=None)[x.size - round(share * x.size)]
    return np.where(np.abs(x) >= least, x, 0)


def elected(parts):
    """The mean of those that are not 0 and have the sign of the sum."""
    parts = np.stack(parts)
    agree = (np.sign(parts) == np.sign(parts.sum(0))) & (parts != 0)
    return (parts * agree).sum(0) / np.maximum(agree.sum(0), 1)


def by_matrix(f, scale=1.0):
    """base + scale * f(name, task vectors) of matrices, of others with the mean."""
    return {k: BASE[k] + (scale * f(k, [t[k] for t in TAU]) if BASE[k].ndim == 2 else scale * np.mean([t[k] for t in TAU], 0)) for k in SHAPES}


WORDS = ["--base", BASE_FILE, "--experts", *FILES]


def neuro(k, tau):
    w, kept = BASE[k], [top(t, 0.25) for t in tau]
    along = [(t * w).sum(1, keepdims=True) / (w * w).sum(1, keepdims=True) * w for t in kept]
    lost = sum(np.abs(t - p).sum() for t, p in zip(tau, kept)) / sum(np.abs(t).sum() for t in tau)
    return 0.4 * elected(along) + elected([p - x for p, x in zip(kept, along)]) / (1 - lost)


held("neuro_merging", ours("neuro_merging", *WORDS, "--density", 0.25, "--along", 0.4), by_matrix(neuro))


def drm(k, tau):
    u, s, v = np.linalg.svd(np.hstack(tau), full_matrices=False)
    parts = np.split(v, len(tau), axis=1)
    lengths = [np.linalg.norm(p, axis=1, keepdims=True) for p in parts]
    return u @ elected([s[:, None] * n * top(p / n, 0.25) for p, n in zip(parts, lengths)])


held("drm", ours("drm", *WORDS, "--density", 0.25, "--scale", 0.8), by_matrix(drm, 0.8))

H0_FILE, H0 = random_model("prior", 1.0, None, True)
H = [random_model(f"h{i}", 1.0 + i, None, True) for i in range(3)]
found = ours("gradient_matching", *WORDS, "--base-fisher", H0_FILE, "--fishers", *[f for f, _ in H], "--weight", "0.5", "1", "2", "--damping", 1e-3)
weights = (0.5, 1, 2)
held("gradient_matching", found, {k: BASE[k] + sum(a * (H0[k] + 1e-3 + h[k]) / (H0[k] + 1e-3 + sum(b * g[k] for b, (_, g) in zip(weights, H))) * t[k]
                                                   for a, (_, h), t in zip(weights, H, TAU)) for k in SHAPES})

flat = np.stack([np.concatenate([t[k].ravel() for k in SHAPES]) for t in TAU])
G, alpha = flat @ flat.T, None
alpha = 1 / np.sqrt(np.diag(G))
for _ in range(2000):  # to the fixed point G alpha = 1 / alpha
    alpha = np.sqrt(alpha / (G @ alpha))
held("nash", ours("nash", *WORDS, "--steps", 100, "--scale", 0.9), {k: BASE[k] + 0.9 * sum(a * t[k] for a, t in zip(alpha, TAU)) / alpha.sum() for k in SHAPES})


def surgery(k):
    own = []
    for i, t in enumerate(TAU):
        x = t[k].copy()
        for j, other in enumerate(TAU):
            against = (x * other[k]).sum()
            if j != i and against < 0:
                x -= against / (other[k] ** 2).sum() * other[k]
        own.append(x)
    return np.mean(own, 0)


held("tv_pcgrad", ours("tv_pcgrad", *WORDS, "--scale", 0.7), {k: BASE[k] + 0.7 * surgery(k) for k in SHAPES})

content, style = TAU[0], TAU[1]
gamma = sum(np.abs(v).sum() for v in content.values()) / sum(np.abs(v).sum() for v in style.values())
for prefer in (0.5, 1, 1.5):
    wanted = {k: BASE[k] + (content[k] if np.abs(top(content[k], 0.25)).sum() >= prefer * gamma * np.abs(top(style[k], 0.25)).sum() else style[k])
              for k in SHAPES}
    held(f"k_lora, {prefer}", ours("k_lora", "--base", BASE_FILE, "--content", FILES[0], "--style", FILES[1], "--k", 0.25, "--prefer", prefer), wanted)


def geodesic(x, y, t):
    n, m = np.linalg.norm(x), np.linalg.norm(y)
    angle = np.arccos(np.clip((x * y).sum() / (n * m), -1, 1))
    return n ** t * m ** (1 - t) * (np.sin(t * angle) * x / n + np.sin((1 - t) * angle) * y / m) / np.sin(angle)


held("chip_align", ours("chip_align", "--chip", FILES[1], "--instruct", FILES[2], "--t", 0.6), {k: geodesic(EXPERTS[1][k], EXPERTS[2][k], 0.6) for k in SHAPES})

kept, off = 0, 0
for seed in range(40):
    found = ours("darex_q", "--base", BASE_FILE, "--tuned", FILES[2], "--drop", 0.7, "--q", 0.4, seed=seed)
    for k in SHAPES:
        change = found[k] - BASE[k]
        stays = np.abs(change) > 0
        kept += stays.sum()
        off = max(off, np.abs(np.where(stays, change - TAU[2][k] / 0.4, 0)).max())
share = kept / (40 * flat.shape[1])
check(off < 1e-6 and abs(share - 0.3) < 0.02, f"darex_q: what stays is divided by q, {off:.1e} off; {share:.3f} stays of 0.3")


def high(t, cut=2):
    wave = np.fft.fft2(t)
    slow = [np.abs(np.fft.fftfreq(n) * n) < cut for n in t.shape]
    return np.fft.ifft2(np.where(slow[0][:, None] & slow[1][None, :], 0, wave)).real


held("fr_merging", ours("fr_merging", *WORDS, "--cut", 2, "--scale", 0.8), by_matrix(lambda _, tau: np.mean([high(t) for t in tau], 0), 0.8))

# ---- of data ----

DOMAINS, data, windows = ["kjv", "py"], [], []
for domain in DOMAINS:
    ids = load_file(os.path.join(pico("data"), f"{domain}.calibration.safetensors"))["input_ids"][:5, :33].long()
    windows.append(ids)
    data.append(os.path.join(WORK.name, domain + ".jsonl"))
    with open(data[-1], "w") as out:
        out.writelines(str(row.tolist()) + "\n" for row in ids)


def carried(name):
    return AutoModelForCausalLM.from_pretrained(pico(name), dtype=torch.float64).eval()


def numbers(model):
    return {k: v.detach().numpy() for k, v in model.named_parameters()}


def gradients(model, ids):
    """Of each window's mean cross-entropy."""
    for row in ids:
        model.zero_grad()
        torch.nn.functional.cross_entropy(model(row[None, :-1]).logits[0], row[1:]).backward()
        yield {k: v.grad.numpy().copy() for k, v in model.named_parameters()}


def read_by_layers(model, ids):
    """X'X of what each linear layer but the head reads, by the mean over tokens."""
    grams, hooks = {}, []
    for name, layer in model.named_modules():
        if isinstance(layer, torch.nn.Linear) and name != "lm_head":
            def add(_, given, name=name):
                x = given[0].flatten(0, -2)
                grams[name + ".weight"] = grams.get(name + ".weight", 0) + (x.T @ x).detach().numpy() / ids.numel()
            hooks.append(layer.register_forward_pre_hook(add))
    with torch.no_grad():
        model(ids)
    for hook in hooks:
        hook.remove()
    return grams


models, base = [carried(d) for d in DOMAINS], carried("base")
theta, theta_0 = [numbers(m) for m in models], numbers(base)
tau = [{k: t[k] - theta_0[k] for k in theta_0} for t in theta]
names = list(theta_0)
words, of_base = ["--experts", *map(pico, DOMAINS), "--data", *data], ["--base", pico("base")]

fisher = []
for model, ids in zip(models, windows):
    all_windows = list(gradients(model, ids))
    fisher.append({k: np.maximum(np.mean([g[k] ** 2 for g in all_windows], 0), 1e-12) for k in names})
node = [{k: f[k].mean(1, keepdims=True) if f[k].ndim == 2 else f[k] for k in names} for f in fisher]
held("fisher_nodes", ours("fisher_nodes", *words, "--floor", 1e-12), {k: sum(f[k] * t[k] for f, t in zip(node, theta)) / sum(f[k] for f in node) for k in names})

G = [read_by_layers(m, ids) for m, ids in zip(models, windows)]
wanted = {}
for k in names:
    change = [t[k] for t in tau]
    wanted[k] = theta_0[k] + np.mean(change, 0)
    if k in G[0]:
        A = np.array([[sum((x @ g[k] * y).sum() for g in G) * (1 + 1e-6 * (x is y)) for y in change] for x in change])
        b = np.array([sum((x @ g[k] * y).sum() for g, y in zip(G, change)) for x in change])
        wanted[k] = theta_0[k] + sum(w * x for w, x in zip(np.linalg.solve(A, b), change))
held("submodule_linearity", ours("submodule_linearity", *of_base, *words), wanted)


def located(model, values, ids):
    mean = [0] * len(names)
    for g in gradients(model, ids):
        mean = [m + g[k] for m, k in zip(mean, names)]
    return {k: top(values[k] * m, 0.4) != 0 for m, k in zip(mean, names)}


chosen = []
for model, values, ids in zip(models, theta, windows):
    one, other = located(base, theta_0, ids), located(model, values, ids)
    chosen.append({k: one[k] & other[k] for k in names})
found = ours("led_merging", *of_base, *words, "--density", 0.4, "--scale", 0.7)
differ = sum((np.abs(found[k] - theta_0[k] - 0.7 * sum((c[k] & (chosen[0][k] ^ chosen[1][k])) * t[k] for c, t in zip(chosen, tau))) > 1e-5).sum() for k in names)
everything = sum(v.size for v in theta_0.values())
check(differ < 2e-4 * everything, f"led_merging: {differ} of {everything} elements differ, which lie at the edge of what is located")
end()
