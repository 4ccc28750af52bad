"""Published methods of tests/methods that take steps or filter, against torch's own optimisers and gradients in double, on a small family of
models; smoothAdd against scipy's filters where they are there."""
import math
import os

import torch
from safetensors.torch import load_file, save_file

from peers import ROOT, WORK, check, end, merge

torch.manual_seed(0)
torch.set_num_threads(1)
SHAPES = {"model.layers.0.w": (12, 16), "model.layers.1.w": (16, 9), "model.norm.weight": (16,)}


def write(name, tensors):
    place = os.path.join(WORK.name, name + ".safetensors")
    save_file({k: v.float().contiguous() for k, v in tensors.items()}, place)
    return place, {k: v.float().double() for k, v in tensors.items()}


BASE_FILE, BASE = write("base", {k: torch.randn(s) for k, s in SHAPES.items()})
FAMILY = [write(f"e{i}", {k: v + 0.1 * (i + 1) * torch.randn(v.shape) for k, v in BASE.items()}) for i in range(3)]
FILES, EXPERTS = [f for f, _ in FAMILY], [e for _, e in FAMILY]


def steps(x, loss, count, optimizer, project=lambda g: g):
    """x after so many steps of a torch optimiser."""
    x = torch.nn.Parameter(x.clone())
    by = optimizer([x])
    for _ in range(count):
        by.zero_grad()
        loss(x).backward()
        x.grad.data = project(x.grad.data)
        by.step()
    return x.data


def adam(rate):
    return lambda parameters: torch.optim.Adam(parameters, lr=rate)


def lead(x, k):
    u, s, v = torch.linalg.svd(x, full_matrices=False)
    return u[:, :k], s[:k], v[:k]


def wudi(b, t):
    if b.ndim < 2:
        return b + sum(t) / 3
    return b + steps(sum(t), lambda x: sum(((x - d) @ d.T).square().sum() / d.square().sum() for d in t), 30, adam(2e-3))


def optmerge(b, t):
    if b.ndim < 2:
        return b + sum(t) / 3
    parts = [lead(d, min(b.shape) // 3) for d in t]

    def loss(x):
        return sum(((x - (u * s) @ v) @ (s[:, None] * v).T).square().sum() / d.square().sum() for d, (u, s, v) in zip(t, parts))
    return b + steps(sum(t) / 3, loss, 30, lambda p: torch.optim.SGD(p, lr=2e-2, momentum=0.9))


def dop(b, t):
    merged = b + t[0]
    for d in t[1:]:
        both = [merged, b + d]
        mean = sum(both) / 2
        if b.ndim < 2:
            merged = mean
            continue
        parts = [torch.linalg.svd(w - b, full_matrices=False) for w in both]

        def loss(x):
            each = [((u * s).T @ (x - w)).square().sum() + ((x - w) @ (s[:, None] * v).T).square().sum() for w, (u, s, v) in zip(both, parts)]
            return 0.7 * each[0] + 0.3 * each[1]
        merged = steps(mean, loss, 20, adam(1e-2))
    return merged


def awd(b, t):
    def cosine(x, y):
        return (x * y).sum() / (x.norm() * y.norm())

    def loss(x):
        pairs = [cosine(t[i] - x, t[j] - x).abs() for i in range(3) for j in range(3) if i != j]
        return sum(pairs) / 6 + 0.7 * x.norm()
    delta = steps(sum(t) / 3, loss, 10, adam(3e-3))
    return b + 0.5 * sum(d - delta for d in t)


def doge_ta(b, t):
    w = [0.07 / d.norm() for d in t]
    delta = torch.zeros_like(b)
    if b.ndim == 2:
        k = min(b.shape) // 3
        shared = torch.linalg.svd(torch.cat([lead(d, k)[0] for d in t], 1), full_matrices=False)[0]
        shared = shared[:, : min(b.shape[0], 3 * k) // 2]
        merged = sum(f * d for f, d in zip(w, t))

        def loss(x):
            return sum((d * (d - merged - sum(w) * x)).sum(1).square().sum() for d in t)
        delta = steps(delta, loss, 15, adam(5e-3), lambda g: g - shared @ (shared.T @ g))
    return b + sum(f * (d + delta) for f, d in zip(w, t))


def res_merge(b, t):
    if b.ndim < 2:
        return b + sum(t) / 3
    heads = [(lambda p: (p[0] * p[1]) @ p[2])(lead(d, 2)) for d in t]
    rest = [d - h for d, h in zip(t, heads)]
    cosine = torch.nn.functional.cosine_similarity
    q = [r / r.norm() for r in rest]
    source = sum(q) / sum(q).norm()
    coherence = sum((x * source).sum() for x in q) / 3
    pairs = [(0, 1), (0, 2), (1, 2)]
    similar = sum(cosine(q[i].flatten(), q[j].flatten(), 0) for i, j in pairs) / 3
    agreed = sum(cosine(heads[i].flatten(), heads[j].flatten(), 0).clamp(min=0) for i, j in pairs) / 3
    beta = 1 - 0.5 * ((similar + 1) / 2 + (coherence + 1) / 2) / 2
    norm = sum(r.norm() for r in rest) / 3
    backbone = coherence ** beta * norm * source if coherence > 1 / math.sqrt(3) else sum(rest) / 3
    head = sum(heads) / 3
    return b + backbone + 0.4 * agreed * backbone.norm() / head.norm() * head


CASES = {
    "wudi": (wudi, ["--steps", 30, "--rate", 2e-3]),
    "optmerge": (optmerge, ["--steps", 30, "--rate", 2e-2]),
    "dop": (dop, ["--alpha", 0.7, "--steps", 20, "--rate", 1e-2]),
    "awd": (awd, ["--scale", 0.5, "--alpha", 0.7, "--steps", 10, "--rate", 3e-3]),
    "doge_ta": (doge_ta, ["--subspace", 2, "--density", 1, "--steps", 15, "--rate", 5e-3]),
    "res_merge": (res_merge, ["--rank", 2, "--budget", 0.4]),
}
for name, (f, words) in CASES.items():
    recipe = os.path.join(ROOT, "tests", "methods", name + ".lua")
    found = load_file(os.path.join(merge(recipe if os.path.exists(recipe) else name, "--base", BASE_FILE, "--experts", *FILES, *words), "model.safetensors"))
    worst = 0
    for key, b in BASE.items():
        expected = f(b, [e[key] - b for e in EXPERTS])
        worst = max(worst, float((found[key].double() - expected).abs().max() / (expected - b).abs().max()))
    check(worst < 2e-4, f"{name}: {worst:.2g} of the largest change")

try:
    from scipy.ndimage import gaussian_filter, median_filter
except ImportError:
    print("skipped: scipy is not there, for smoothAdd")
else:
    found = load_file(os.path.join(merge(os.path.join(ROOT, "tests", "methods", "smooth_add.lua"), "--a", FILES[0], "--b", FILES[1], "--c", FILES[2], "--alpha", 0.6),
                                   "model.safetensors"))
    worst = 0
    for key in BASE:
        a, b, c = (e[key].numpy() for e in EXPERTS)
        expected = a + 0.6 * gaussian_filter(median_filter(b - c, size=3), sigma=1)
        worst = max(worst, float(abs(found[key].double().numpy() - expected).max()))
    check(worst < 1e-5, f"smooth_add: {worst:.2g}")
end()
