"""Recipes under --profile mergekit equal mergekit's own float32 results on the carried models. Its random masks are
replaced by ours; where a magnitude ties with the cut of a trim, mergekit does not decide the same way twice, and those
elements are left out."""
import importlib.metadata
import os

import mergekit
import mergekit.sparsify
import torch
from mergekit.config import MergeConfiguration
from mergekit.merge import run_merge
from mergekit.options import MergeOptions

from peers import ROOT, WORK, check, end, merge, model, pico, tensors, ulps

print("mergekit", importlib.metadata.version("mergekit"))
BASE, EXPERTS = "base", ["kjv", "py", "man"]
paths = [pico(name) for name in EXPERTS]
base, experts = model(BASE), [model(name) for name in EXPERTS]
names = sorted(base)


def theirs(method, parameters=None, base_model=True, models=None, each=None):
    config = {"merge_method": method, "dtype": "float32", "parameters": parameters or {},
              "models": [{"model": path, "parameters": one} for path, one in zip(models or paths, each or [{"weight": 1.0}] * 9)]}
    if base_model:
        config["base_model"] = pico(BASE) if base_model is True else base_model
    out = os.path.join(WORK.name, "mergekit")
    run_merge(MergeConfiguration.model_validate(config), out, MergeOptions(copy_tokenizer=False, quiet=True, write_model_card=False))
    return tensors(out)


def ours(recipe, *words, **more):
    return tensors(merge(recipe, *words, **more))


def compare(what, found, expected, most, ignore=None, turned=0):
    worst, left_out, over = 0.0, 0, 0
    for name in names:
        distance = ulps(found[name], expected[name], base[name], *(e[name] for e in experts))
        if ignore:
            left_out += int(ignore[name].sum())
            distance[ignore[name]] = 0
        if turned:
            over += int((distance > most).sum())
            distance[distance > most] = 0
        worst = max(worst, float(distance.max()))
    note = f", {left_out} elements that tie left out" if ignore else f", a sign turned at {over} elements" if turned else ""
    check(worst <= most and over <= turned, f"{what}: {worst:g} ulp from mergekit (at most {most}){note}")


task = ["--base", pico(BASE), "--experts", *paths]
compare("linear", ours("soup", "--models", *paths, "--weight", 1, 2, 4),
        theirs("linear", base_model=None, each=[{"weight": w} for w in (1.0, 2.0, 4.0)]), 2)
compare("slerp", ours("slerp", "--a", paths[0], "--b", paths[1], "--t", 0.3),
        theirs("slerp", {"t": 0.3}, base_model=paths[0], models=paths[:2], each=[{}, {}]), 256)  # its cosine is summed in float32
compare("task_arithmetic", ours("task_arithmetic", *task, "--weight", 1, 0.5, 0.25, "--scale", 0.8),
        theirs("task_arithmetic", {"lambda": 0.8}, each=[{"weight": w} for w in (1.0, 0.5, 0.25)]), 0)


def tying(density):
    """Elements of any expert whose magnitude is that of the last one kept."""
    result = {}
    for name in names:
        result[name] = torch.zeros(base[name].shape, dtype=torch.bool)
        for expert in experts:
            size = (expert[name] - base[name]).abs()
            cut = size.flatten().sort(descending=True).values[max(1, int(density * size.numel())) - 1]
            if int((size >= cut).sum()) > max(1, int(density * size.numel())):
                result[name] |= size == cut
    return result


for density, weights, scale, normalize in [(0.5, (1.0, 1.0, 1.0), 1.0, True), (0.2, (1.0, 2.0, 3.0), 0.8, True),
                                           (0.3, (1.0, 0.5, -0.5), 1.0, False), (1.0, (1.0, 1.0, 1.0), 1.0, True)]:
    words = ["--density", density, "--weight", *weights, "--scale", scale, "--normalize" if normalize else "--no-normalize"]
    compare(f"ties, density {density}, weights {weights}, lambda {scale}, normalize {normalize}",
            ours("ties", *task, *words, "--profile", "mergekit"),
            theirs("ties", {"density": density, "lambda": scale, "normalize": normalize}, each=[{"weight": w} for w in weights]),
            0, tying(density) if density < 1 else None)

# ---- random masks: ours are put in the place of mergekit's, found by the bytes of the delta that is thinned ----
DROP, SEED = 0.5, 11
by_delta = {}
for i, expert in enumerate(experts):
    mask = tensors(merge(os.path.join(ROOT, "tests", "peers", "masks.lua"), *task, "--drop", DROP, "--expert", i + 1, seed=SEED))
    for name in names:
        by_delta[(expert[name] - base[name]).numpy().tobytes()] = mask[name]


def bernoulli(tensor, density, rescale_norm=None):
    assert density == 1 - DROP
    return mergekit.sparsify.rescaled_masked_tensor(tensor, by_delta[tensor.contiguous().numpy().tobytes()].view_as(tensor), rescale_norm)


genuine, mergekit.sparsify.bernoulli = mergekit.sparsify.bernoulli, bernoulli
for method, recipe in [("dare_linear", "dare_linear"), ("dare_ties", "dare_ties")]:
    for weights, rescale in [((1.0, 1.0, 1.0), "l1"), ((1.0, 0.5, -0.25), "l1"), ((1.0, 2.0, 0.5), "none")]:
        words = ["--drop", DROP, "--weight", *weights, "--rescale", rescale, "--profile", "mergekit"]
        found = ours(recipe, *task, *words, seed=SEED)
        expected = theirs(method, {"density": 1 - DROP, "rescale": rescale == "l1"}, each=[{"weight": w} for w in weights])
        # An L1 norm is a sum in float32 there and in float64 here; where two thinned deltas cancel, that turns a sign.
        exact = rescale == "none"
        compare(f"{method}, rescale {rescale}, weights {weights}", found, expected, 0 if exact else 64,
                turned=20 if method == "dare_ties" and not exact else 0)
mergekit.sparsify.bernoulli = genuine

# ---- and by their statistics: as many elements are kept, and the rescaled deltas are as long ----
kept = {}
for who, result in [("ours", ours("dare_linear", "--base", pico(BASE), "--experts", paths[0], "--drop", 0.9, "--profile", "mergekit", seed=1)),
                    ("mergekit", theirs("dare_linear", {"density": 0.1}, models=paths[:1]))]:
    changed = sum(int((result[n] != base[n]).sum()) for n in names) / sum(int((experts[0][n] != base[n]).sum()) for n in names)
    length = sum(float((result[n] - base[n]).abs().double().sum()) for n in names)
    kept[who] = (changed, length)
check(all(abs(c - 0.1) < 0.002 for c, _ in kept.values()), f"share kept at drop 0.9: {kept['ours'][0]:.4f} and {kept['mergekit'][0]:.4f}")
check(abs(kept["ours"][1] / kept["mergekit"][1] - 1) < 1e-3, "L1 lengths after rescaling agree")
end()
