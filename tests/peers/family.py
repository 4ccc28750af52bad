"""What the checks of methods in numpy share: a small family of models, files of both, and what layers and gradients of the carried models are."""
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from peers import ROOT, WORK, check, merge, pico

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
