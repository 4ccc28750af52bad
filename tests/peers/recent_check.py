"""The twelve methods of 2020 to 2025 that stand beside the list of tests/methods, from their papers' formulas in numpy, in double, on a small family
of models; those of data on the carried models, by torch's gradients and what transformers' layers read. What is drawn is held to its distribution."""
from family import (BASE, BASE_FILE, DOMAINS, EXPERTS, FILES, SHAPES, TAU, WORDS, by_matrix, carried, data, elected, gradients, held, np, numbers, ours, random_model,
                    read_by_layers, top, torch, windows)
from peers import check, end, pico

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
