"""Functions of whole matrices against numpy in double: singular values, factors, solutions and the recipes that are made of them, on matrices
that are ill-conditioned, rank-deficient, tiny, tall and wide. Bounds are those that the documents promise: what svd finds is that
of a matrix within 2^-20 of ours, relative to its largest singular value; what is sampled lies within its source's bound."""
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's; threads that wait for each other are slow on a busy machine
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from peers import WORK, check, end, merge, pico

rng = np.random.default_rng(0)
EPS = 2.0 ** -20


def with_values(m, n, s):
    """A random matrix with these singular values, in f32."""
    k = min(m, n)
    u, _ = np.linalg.qr(rng.standard_normal((m, k)))
    v, _ = np.linalg.qr(rng.standard_normal((n, k)))
    return ((u * np.resize(s, k)) @ v.T).astype(np.float32)


def run(text, matrices):
    """The tensors of a recipe over the matrices of one model, m."""
    place = os.path.join(WORK.name, "m.safetensors")
    save_file({k: torch.from_numpy(np.ascontiguousarray(v)) for k, v in matrices.items()}, place)
    file = os.path.join(WORK.name, "r.lua")
    with open(file, "w") as out:
        out.write('return recipe { "R.", arg.model("m", "a model"), function(a)\nlocal m, r = a.m, {}\n' + text
                  + "\nfor k, t in pairs(r) do r[k] = t:unweighed() end return r end }")
    found = load_file(os.path.join(merge(file, "--m", place), "model.safetensors"))
    return {k: v.double().numpy() for k, v in found.items()}


def numpy_rank(x):
    return np.linalg.matrix_rank(x.astype(np.float64), tol=np.linalg.norm(x, 2) * EPS)


cases = {
    "random": rng.standard_normal((70, 50)).astype(np.float32),
    "tall": rng.standard_normal((900, 30)).astype(np.float32),
    "wide": rng.standard_normal((30, 1300)).astype(np.float32),
    "tiny values": (1e-25 * rng.standard_normal((40, 40))).astype(np.float32),
    "one by one": np.array([[-3.5]], dtype=np.float32),
    "a row": rng.standard_normal((1, 9)).astype(np.float32),
    "ill-conditioned, 1e5": with_values(80, 60, np.logspace(0, -5, 60)),
    "ill-conditioned, 1e10": with_values(60, 80, np.logspace(0, -10, 60)),
    "of rank 7": with_values(90, 70, np.concatenate([np.linspace(3, 1, 7), np.zeros(63)])),
    "of equal values": with_values(50, 50, np.full(50, 2.0)),
    "zero": np.zeros((20, 30), dtype=np.float32),
    "large": rng.standard_normal((300, 420)).astype(np.float32),
}
for name, x in cases.items():
    found = run("local x = m.x local u, s, v = svd(x) r.u, r.s, r.v = u, s, v r.o = orthogonal(x) r.p = pinv(x) r.q, r.r = qr(x)\n"
                "r.g = matmul(x, x:T()) r.w, r.e = eigh(r.g)", {"x": x})
    y, k = x.astype(np.float64), min(x.shape)
    u, s, v = np.linalg.svd(y, full_matrices=False)
    top = max(s[0], 1e-300)
    check(np.abs(found["s"] - s).max() <= EPS * top, f"{name}: singular values")
    check(np.linalg.norm(found["u"] * found["s"] @ found["v"] - y, 2) <= 4 * EPS * top, f"{name}: u s v")
    check(np.abs(found["u"].T @ found["u"] - np.eye(k)).max() < 1e-5, f"{name}: u is orthonormal")
    check(np.abs(found["v"] @ found["v"].T - np.eye(k)).max() < 1e-5, f"{name}: v is orthonormal")
    rank = numpy_rank(x)
    if rank in (0, k) or name == "of rank 7":
        nearest = u[:, :rank] @ v[:rank]
        condition = s[0] / s[rank - 1] if rank else 1
        check(np.abs(found["o"] - nearest).max() <= 2e-6 + 3e-7 * condition, f"{name}: orthogonal")
    cut = max(x.shape) * 2.0 ** -23
    inverse = np.linalg.pinv(y, rcond=cut)
    if not ((s > cut / 4 * top) & (s < cut * 4 * top)).any():  # no value at the edge
        kept = s[s > cut * top]
        scale = 1 / kept[-1] if len(kept) else 1
        condition = top / kept[-1] if len(kept) else 1
        check(np.abs(found["p"] - inverse).max() <= 1e-6 * condition * scale, f"{name}: pinv")
    check(np.abs(found["q"] @ found["r"] - y).max() <= 4 * EPS * top, f"{name}: q r")
    check(np.abs(np.tril(found["r"], -1)).max() == 0 and (np.diag(found["r"]) >= 0).all(), f"{name}: r is upper triangular")
    gram = y @ y.T
    check(np.abs(found["g"] - gram).max() <= 1e-5 * np.abs(gram).max() + 1e-38, f"{name}: matmul")
    check(np.abs(found["w"] - np.linalg.eigvalsh(found["g"])).max() <= EPS * max(top * top, 1e-300), f"{name}: eigh")

# The nearest orthogonal matrix by products (f32, from 64 x 64 on): values that are even, far apart, within the edge of 2^-20 below which
# directions stay 0, and few or many that are 0.
def falling(k, low, zeros=0):
    return np.concatenate([np.logspace(0, np.log10(low), k - zeros), np.zeros(zeros)])


spiked = np.concatenate([np.full(5, 300.0), np.linspace(2, 2e-3, 251)])
cases = {
    "even, tall": with_values(700, 150, np.linspace(1, 0.25, 150)), "even, wide": with_values(130, 600, np.linspace(1, 0.4, 130)),
    "even, tall, tiny": (1e-20 * with_values(700, 150, np.linspace(1, 0.25, 150))).astype(np.float32),
    "even, tall, huge": (1e17 * with_values(300, 100, np.linspace(1, 0.3, 100))).astype(np.float32),
    "even, tall, of rank 146": with_values(700, 150, np.append(np.linspace(1, 0.5, 146), np.zeros(4))),
    "orthogonal already": with_values(200, 200, np.ones(200)), "spiked": with_values(256, 256, spiked), "spiked, tall": with_values(800, 256, spiked),
    "spiked, wide": with_values(256, 800, spiked),
    **{f"falling to {low:g}": with_values(220, 220, falling(220, low)) for low in (0.5, 0.05, 1e-3, 1e-4, 1e-5, 2e-6)},
    **{f"tall, falling to {low:g}": with_values(520, 180, falling(180, low)) for low in (0.1, 1e-3, 1e-5)},
    **{f"{zeros} values of 0": with_values(200, 240, falling(200, 1e-2, zeros)) for zeros in (1, 3, 7, 8, 50, 199)},
    "3 values below the edge": with_values(200, 200, np.append(np.logspace(0, -4, 197), [5e-7, 2e-7, 1e-8])),
}
for name, x in cases.items():
    found = run("r.o = orthogonal(m.x)", {"x": x})["o"]
    u, s, v = np.linalg.svd(x.astype(np.float64), full_matrices=False)
    rank = int((s > s[0] * EPS).sum())
    off, condition = np.linalg.norm(found - u[:, :rank] @ v[:rank], 2), s[0] / s[rank - 1]
    check(off <= 2e-6 + 2e-11 * condition, f"orthogonal, {name}: {off:.1e} off, of rank {rank}, condition {condition:.1e}")
    values = np.linalg.svd(found, compute_uv=False)
    check(np.abs(values[:rank] - 1).max() < 5e-6 and (rank == len(s) or values[rank] < 1e-6), f"orthogonal, {name}: its values are 1 or 0")

a, b = with_values(60, 60, np.logspace(0, -3, 60)), rng.standard_normal((60, 5)).astype(np.float32)
found = run("r.x = solve(m.a, m.b) r.c = m.a:cumulative() r.d = m.a:diagonal()", {"a": a, "b": b})
wanted = np.linalg.solve(a.astype(np.float64), b.astype(np.float64))
check(np.abs(found["x"] - wanted).max() <= 1e-6 * np.abs(wanted).max(), "solve")
check(np.abs(found["c"] - np.cumsum(a.astype(np.float64), axis=1)).max() < 1e-6 and (found["d"] == np.diag(np.diag(a))).all(), "cumulative, diagonal")

# Sampled: the bound of Halko, Martinsson and Tropp's corollary 10.10 with two power steps.
for name, s in {"falling slowly": 1 / np.sqrt(np.arange(1, 401)), "flat": np.ones(400), "falling fast": np.logspace(0, -8, 400)}.items():
    x, k, p = with_values(500, 400, s), 24, 8
    found = run("local u, s, v = svd(m.x, 24) r.u, r.s, r.v = u, s, v r.l = low_rank(m.x, 24)", {"x": x})
    product = found["u"] * found["s"] @ found["v"]
    bound = (1 + np.sqrt(k / (p - 1)) + np.e * np.sqrt(k + p) / p * np.sqrt(400 - k)) ** 0.2 * s[k]
    error = np.linalg.norm(product - x.astype(np.float64), 2)
    check(error <= bound + 4 * EPS, f"sampled, {name}: {error:.3g} lost, at most {bound:.3g}, the best {s[k]:.3g}")
    check(np.abs(found["l"] - product).max() < 1e-5, f"sampled, {name}: low_rank is its product")

try:
    from scipy.optimize import linear_sum_assignment
    cost = rng.standard_normal((60, 80)).astype(np.float32)
    rows, columns = linear_sum_assignment(cost)
    p = run("r.p = assign(m.c)", {"c": cost})["p"]
    exact = cost.astype(np.float64)  # sums of f32 in another order differ by more than two assignments may
    check(abs((p * exact).sum() - exact[rows, columns].sum()) < 1e-9 and (p.sum(1) == 1).all(), "assign is scipy's")
except ImportError:
    print("skipped: scipy is not there")


# ---- recipes, on the carried models ----

def model(name):
    return {k: v.double().numpy() for k, v in load_file(os.path.join(pico(name), "model.safetensors")).items()}


def nearest(x):
    u, s, v = np.linalg.svd(x, full_matrices=False)
    rank = int((s > s[0] * EPS).sum())
    return u[:, :rank] @ v[:rank]


def tsv_m(changes):
    k = min(changes[0].shape) // len(changes)
    parts = [np.linalg.svd(d, full_matrices=False) for d in changes]
    u, s, v = np.hstack([p[0][:, :k] for p in parts]), np.concatenate([p[1][:k] for p in parts]), np.vstack([p[2][:k] for p in parts])
    return nearest(u) * s @ nearest(v)


def iso_c(changes):
    x = sum(changes)
    return np.linalg.svd(x, compute_uv=False).mean() * nearest(x)


base, experts = model("base"), [model(n) for n in ("kjv", "py", "man")]
for name, f in {"tsv_m": tsv_m, "iso_c": iso_c}.items():
    found = load_file(os.path.join(merge(name, "--base", pico("base"), "--experts", pico("kjv"), pico("py"), pico("man"), "--scale", 0.6),
                                   "model.safetensors"))
    worst = 0
    for key, value in base.items():
        changes = [e[key] - value for e in experts]
        merged = f(changes) if value.ndim == 2 else sum(changes) / 3
        worst = max(worst, np.abs(found[key].double().numpy() - value - 0.6 * merged).max() / np.abs(merged).max())
    check(worst < 1e-4, f"{name} of the carried models: {worst:.2g} of the largest change")
end()
