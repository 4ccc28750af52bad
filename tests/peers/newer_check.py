"""Twenty-one further methods of 2024 and 2025 (tests/methods), from their papers' formulas in numpy, in double, on a small family of models; those of data on
the carried models, by what transformers' layers read and torch's gradients. What is drawn is held to its distribution."""
import os
import sys

from family import (BASE, BASE_FILE, DOMAINS, EXPERTS, FILES, SHAPES, TAU, WORDS, by_matrix, carried, data, gradients, held, np, numbers, ours, random_model,
                    load_file, read_by_layers, top, torch, windows, write)
from peers import WORK, check, end, pico

ALL = [np.concatenate([t[k].ravel() for k in SHAPES]) for t in TAU]
MATRICES = [k for k in SHAPES if BASE[k].ndim == 2]


def of_each(f):
    return {k: BASE[k] + f(k, [t[k] for t in TAU]) for k in SHAPES}


def rank_mean(_, tau):
    ranks = [np.mean(1 + sum(np.abs(u) < np.abs(t) for u in tau)) for t in tau]
    return 0.8 * sum(r * t for r, t in zip(ranks, tau)) / sum(ranks)


held("rank_mean", ours("rank_mean", *WORDS, "--scale", 0.8), of_each(rank_mean))


def rounded(x, bits, axis):
    step = np.abs(x).max(axis, keepdims=True) / (2 ** (bits - 1) - 1)
    return np.round(x / step) * step


def delta_come(k):
    u, s, v = np.linalg.svd(TAU[2][k], full_matrices=False)
    parts = [(0, 2, 8), (2, 4, 3), (4, 7, 2)]
    return BASE[k] + sum(rounded(u[:, i:j], bits, 0) * s[i:j] @ rounded(v[i:j], bits, 1) for i, j, bits in parts)


found = ours("delta_come", "--base", BASE_FILE, "--expert", FILES[2], "--eight", 2, "--three", 2, "--two", 3)
held("delta_come", found, {k: delta_come(k) if k in MATRICES else EXPERTS[2][k] for k in SHAPES}, 1e-4)


def t_switch(_, tau):
    switches = [np.sign(top(t, 0.25)) for t in tau]
    return 0.5 * sum(np.linalg.norm(t) / np.linalg.norm(s) * s for t, s in zip(tau, switches))


held("t_switch", ours("t_switch", *WORDS, "--density", 0.25), of_each(t_switch))


def ethos(k):
    u, _, v = np.linalg.svd(BASE[k], full_matrices=False)
    at = u.T @ TAU[1][k] @ v.T
    return BASE[k] - 0.7 * u @ np.where(np.abs(at) <= 0.4 * np.abs(at).max(), at, 0) @ v


found = ours("ethos", "--base", BASE_FILE, "--unwanted", FILES[1], "--threshold", 0.4, "--scale", 0.7)
held("ethos", found, {k: ethos(k) if k in MATRICES else BASE[k] for k in SHAPES})

MOMENTS = [random_model(f"v{i}", 1.0 + i, None, True) for i in range(3)]


def ota(k):
    v = [m[k] for _, m in MOMENTS]
    kept = [np.where(top(t[k] ** 2 * x, 0.25) != 0, t[k], 0) for t, x in zip(TAU, v)]
    roots = [np.sqrt(x) + 1e-4 for x in v]
    return BASE[k] + sum(r * t for r, t in zip(roots, kept)) / sum(roots)


held("ota", ours("ota", *WORDS, "--moments", *[f for f, _ in MOMENTS], "--density", 0.25, "--epsilon", 1e-4), {k: ota(k) for k in SHAPES})


def tadrop(_, tau):
    kept = []
    for t in tau:
        density = np.mean(np.abs(t)) ** 2 / np.mean(t ** 2)
        k = top(t, int(density * t.size) / t.size)
        kept.append(np.linalg.norm(t) / np.linalg.norm(k) * k)
    return 0.3 * sum(kept)


held("tadrop", ours("tadrop", *WORDS), of_each(tadrop))


def do_merging(_, tau):
    lengths = [np.linalg.norm(t, axis=-1, keepdims=True) for t in tau]
    direction = np.mean([t / n for t, n in zip(tau, lengths)], 0)
    return 0.9 * np.mean(lengths, 0) * direction / np.linalg.norm(direction, axis=-1, keepdims=True)


held("do_merging", ours("do_merging", *WORDS, "--scale", 0.9), of_each(do_merging))


def largest(t, share):
    return top(t, int(share * t.size) / t.size)


def parts(_, tau):
    return sum(largest(t, 1 / 3) + 0.4 * (largest(t, 2 / 3) - largest(t, 1 / 3)) - 0.1 * (t - largest(t, 2 / 3)) for t in tau)


held("nps", ours("nps", *WORDS, "--small", -0.1, "--middle", 0.4), of_each(parts))


def dppa(_, tau):
    kept = []
    for t in tau:
        size = np.abs(t)
        kept.append(np.where(top(size / size.sum(1, keepdims=True) + size / size.sum(0, keepdims=True), 0.25) != 0, t, 0))
    return np.mean(kept, 0)


held("dppa", ours("dppa", *WORDS, "--density", 0.25, "--scale", 2), {k: BASE[k] + 2 * (dppa(k, [t[k] for t in TAU]) if k in MATRICES else
                                                                     np.mean([t[k] for t in TAU], 0)) for k in SHAPES})

likeness = np.array([[x @ y / np.linalg.norm(x) / np.linalg.norm(y) for y in ALL] for x in ALL])
kinship = np.maximum((likeness.sum(1) - 1) / 2, 0)
held("kinship", ours("kinship", *WORDS), of_each(lambda _, tau: sum(w * t for w, t in zip(kinship, tau)) / kinship.sum()))

means = {k: np.mean([t[k] for t in TAU], 0) for k in SHAPES}
ratios = {}
for k in MATRICES:
    s = np.linalg.svd(means[k], compute_uv=False)
    edge = (np.quantile(s, 0.75, method="lower") - np.quantile(s, 0.25, method="lower")) / 1.349 * (1 + np.sqrt(min(means[k].shape) / max(means[k].shape)))
    ratios[k] = s[s > edge].sum() / s[s <= edge].sum()
middle = np.median(list(ratios.values()))
held("spectrum", ours("spectrum", *WORDS), {k: BASE[k] + means[k] * (ratios.get(k, middle) >= middle) for k in SHAPES})

for decay, rate in (("linear", lambda t: 1 - t), ("cosine", lambda t: (1 + np.cos(np.pi * t)) / 2), ("sqrt", lambda t: 1 - np.sqrt(t))):
    weights = [rate(i / 3) - rate((i + 1) / 3) for i in range(3)]
    held(f"wsm, {decay}", ours("wsm", "--checkpoints", *FILES, "--decay", decay), {k: sum(w * e[k] for w, e in zip(weights, EXPERTS)) for k in SHAPES})

# Layers on whose signs all agree, but for one; the mean of what disagrees and its deviation are taken over all.
LAYERS, drawn = {f"model.layers.{i}.w": (4, 6) for i in range(6)}, np.random.default_rng(7)
start = {k: drawn.standard_normal(s) for k, s in LAYERS.items()}
sizes = [{k: np.abs(drawn.standard_normal(s)) + 0.1 for k, s in LAYERS.items()} for _ in range(3)]
layered = [write(f"layered{i}", {k: start[k] + x * (-1 if i == 1 and "2" in k else 1) for k, x in size.items()}) for i, size in enumerate(sizes)]
base_file, b = write("layered", start)
changes = [{k: e[k] - b[k] for k in LAYERS} for _, e in layered]
conflict = {k: np.mean(np.abs(sum(np.sign(c[k]) for c in changes)) < 3) for k in LAYERS}
most = np.mean(list(conflict.values())) + np.std(list(conflict.values()))
found = ours("mediator", "--base", base_file, "--experts", *[f for f, _ in layered])
held("mediator", found, {k: b[k] + (changes[0][k] if conflict[k] > most else np.mean([c[k] for c in changes], 0)) for k in LAYERS})
check([k for k in LAYERS if conflict[k] > most] == ["model.layers.2.w"], "mediator: one layer keeps the first expert's change")

mean, of_pairs, count = {k: 0 for k in MATRICES}, {k: 0 for k in MATRICES}, 60
for seed in range(count):
    found = ours("impart", "--base", BASE_FILE, "--expert", FILES[2], "--alpha", 0.6, seed=seed)
    for k in MATRICES:
        u, s, v = np.linalg.svd(TAU[2][k], full_matrices=False)
        mean[k] += (found[k] - BASE[k]) / count
        of_pairs[k] += np.diag(u.T @ (found[k] - BASE[k]) @ v.T) / s / count
off = max(np.linalg.norm(mean[k] - TAU[2][k]) / np.linalg.norm(TAU[2][k]) for k in MATRICES)
check(off < 0.3 and max(np.abs(x - 1).max() for x in of_pairs.values()) < 0.25, f"impart: the mean of {count} draws is {off:.2f} of the change's norm from it")
found = ours("impart", "--base", BASE_FILE, "--expert", FILES[2], "--alpha", 0)
held("impart, nothing dropped", found, {k: BASE[k] + TAU[2][k] for k in SHAPES})

# ---- of scores ----

# A score of files: the negated distance to the middle of the first two.
goal = {k: (EXPERTS[0][k] + EXPERTS[1][k]) / 2 for k in SHAPES}
np.savez(os.path.join(WORK.name, "goal.npz"), **goal)
judge = os.path.join(WORK.name, "judge.py")
with open(judge, "w") as out:
    out.write("import sys, numpy as np\nfrom safetensors.numpy import load_file\n"
              "w, g = load_file(sys.argv[1] + '/model.safetensors'), np.load(sys.argv[2])\n"
              "print(-sum(((w[k].astype(float) - g[k]) ** 2).sum() for k in g.files) ** 0.5)\n")
SCORE = ["--score", f"{sys.executable} {judge} {{dir}} {WORK.name}/goal.npz"]


def far(x):
    return sum(((x[k] - goal[k]) ** 2).sum() for k in SHAPES) ** 0.5


sure = np.exp([-far(e) / 2 for e in EXPERTS])
held("pack", ours("pack", "--models", *FILES, "--temperature", 2, *SCORE), {k: sum(w * e[k] for w, e in zip(sure, EXPERTS)) / sum(sure) for k in SHAPES})
least = min(far(e) for e in EXPERTS)
flown = far(ours("model_swarms", "--experts", *FILES, "--steps", 3, *SCORE, seed=1))
check(flown < least, f"model_swarms: {flown:.2f} from the goal, where the nearest expert is {least:.2f}")

# ---- of layers ----

short = {k: v.double().numpy() for k, v in load_file(os.path.join(pico("kjv"), "model.safetensors")).items()}
found = ours("laco", "--model", pico("kjv"), "--at", 1, "--count", 2)
wanted = {k: v for k, v in short.items() if ".layers." not in k}
for k, v in short.items():
    if ".layers." in k:
        layer, rest = k.split(".layers.")[1].split(".", 1)
        if layer == "1":
            v = v + sum(short[f"model.layers.{j}.{rest}"] - short[k] for j in (2, 3))
        if layer not in "23":
            wanted[f"model.layers.{layer if layer in '01' else int(layer) - 2}.{rest}"] = v
check(sorted(found) == sorted(wanted), f"laco: {len(found)} tensors of {len(short)}")
held("laco", found, wanted)

# ---- of data ----

models, base = [carried(d) for d in DOMAINS], carried("base")
theta, theta_0 = [numbers(m) for m in models], numbers(base)
tau = [{k: t[k] - theta_0[k] for k in theta_0} for t in theta]
experts, of_base = ["--experts", *map(pico, DOMAINS)], ["--base", pico("base")]
both = [np.concatenate(x) for x in zip(*[[w.numpy()] for w in windows])][0]

G = read_by_layers(base, torch.from_numpy(both))
wanted = {}
for k in theta_0:
    wanted[k] = theta_0[k] + 0.5 * sum(t[k] for t in tau)
    if k in G:
        values, vectors = np.linalg.eigh(G[k])
        unseen = vectors * (values < 0.02 * values.max()) @ vectors.T
        wanted[k] = theta_0[k] + 0.5 * sum(t[k] for t in tau) @ unseen
held("null_space", ours("null_space", *of_base, *experts, "--data", *data, "--threshold", 0.02, "--scale", 0.5), wanted, 1e-4)

grams = [read_by_layers(m, ids) for m, ids in zip(models, windows)]
wanted = {}
for k in theta_0:
    parts = []
    for t, g in zip(tau, grams):
        x = t[k]
        if k in g:
            C = g[k] + 0.01 * np.trace(g[k]) / len(g[k]) * np.eye(len(g[k]))
            u, s, v = np.linalg.svd(x @ C, full_matrices=False)
            x = u[:, :6] * s[:6] @ v[:6] @ np.linalg.inv(C)
        parts.append(x)
    wanted[k] = theta_0[k] + 0.5 * sum(parts)
held("pave", ours("pave", *of_base, *experts, "--data", *data, "--rank", 6), wanted, 1e-3)


def hidden(model, ids):
    with torch.no_grad():
        return [h.mean((0, 1)).numpy() for h in model(ids, output_hidden_states=True).hidden_states]


kept, layers = [], base.config.num_hidden_layers
before = hidden(base, torch.from_numpy(both))
for model, t in zip(models, tau):
    after = hidden(model, torch.from_numpy(both))
    moved = np.array([np.linalg.norm(after[i] - before[i]) for i in range(layers)])
    shares = 0.3 + 0.5 * (moved - moved.min()) / (moved.max() - moved.min())
    kept.append({k: top(x, (int(shares[int(k.split(".")[2])] * x.size) + 1) / x.size) if ".layers." in k else x for k, x in t.items()})
found = ours("lewis", *of_base, *experts, "--data", *data)
differ = sum((np.abs(found[k] - theta_0[k] - 0.5 * np.mean([x[k] for x in kept], 0)) > 1e-6).sum() for k in theta_0)
check(differ < 200, f"lewis: {differ} of {sum(x.size for x in theta_0.values())} elements differ, which lie at the edge of what is kept")

delta = {k: theta[0][k] - theta_0[k] for k in theta_0}


def curvature(model, ids):
    squares = [{k: g[k] ** 2 for k in g} for g in gradients(model, ids)]
    return sum((np.mean([s[k] for s in squares], 0) * delta[k] ** 2).sum() for k in delta)


old, new = curvature(base, windows[0]), curvature(models[0], windows[1])
found = ours("became", "--old", pico("base"), "--new", pico("kjv"), "--data", *data)
held("became", found, {k: theta_0[k] + new / (old + new) * delta[k] for k in theta_0}, 1e-4)
end()
