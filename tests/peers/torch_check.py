"""Results equal the same formula in torch's float32, bit for bit where no reduction is in it, and load in transformers."""
import torch
from transformers import AutoModelForCausalLM

from peers import check, end, merge, model, pico, tensors, ulps

BASE, EXPERTS = "base", ["kjv", "py", "man"]
base, experts = model(BASE), [model(name) for name in EXPERTS]
paths = [pico(name) for name in EXPERTS]
names = sorted(base)


def f32(x):
    return torch.tensor(x, dtype=torch.float32)


def compare(what, folder, expected, most=0):
    found = tensors(folder)
    worst = max(float(ulps(found[n], expected[n], base[n], *(e[n] for e in experts)).max()) for n in names)
    check(worst <= most, f"{what}: {worst:g} ulp from torch (at most {most})")
    return found


def each(f):
    return {name: f(name) for name in names}


a, b = experts[0], experts[1]
compare("lerp", merge("lerp", "--a", paths[0], "--b", paths[1], "--t", 0.3), each(lambda n: f32(1 - 0.3) * a[n] + f32(0.3) * b[n]))

weights = [1, 2, 4]
total = sum(weights)
compare("soup", merge("soup", "--models", *paths, "--weight", *weights),
        each(lambda n: f32(1 / total) * experts[0][n] + f32(2 / total) * experts[1][n] + f32(4 / total) * experts[2][n]))

compare("task_arithmetic", merge("task_arithmetic", "--base", pico(BASE), "--experts", *paths, "--scale", 0.4),
        each(lambda n: base[n] + f32(0.4) * ((experts[0][n] - base[n]) + (experts[1][n] - base[n]) + (experts[2][n] - base[n]))))


def slerp(x, y, t):
    u, v = x.double().flatten(), y.double().flatten()
    cosine = (u @ v / (u.norm() * v.norm())).clamp(-1, 1)
    if cosine.abs() > 0.9995:
        return f32(1 - t) * x + f32(t) * y
    angle = cosine.acos()
    return (((1 - t) * angle).sin() / angle.sin()).float() * x + ((t * angle).sin() / angle.sin()).float() * y


compare("slerp", merge("slerp", "--a", paths[0], "--b", paths[1], "--t", 0.3), each(lambda n: slerp(a[n], b[n], 0.3)), most=2)


def ties(density, scale):
    """TIES as its authors define it: one flat vector a model, names in order."""
    flat = [torch.cat([(e[n] - base[n]).flatten() for n in names]) for e in experts]
    count = flat[0].numel()
    kept = []
    for delta in flat:
        threshold = delta.abs().kthvalue(count - int(count * density)).values
        kept.append(torch.where(delta.abs() >= threshold, delta, 0))
    sign = (kept[0] + kept[1] + kept[2]).sign()
    sign = torch.where(sign == 0, sign.double().sum().sign().float(), sign)
    kept = [torch.where(torch.where(sign > 0, d > 0, d < 0), d, 0) for d in kept]
    votes = sum((d != 0).float() for d in kept)
    merged = (kept[0] + kept[1] + kept[2]) / votes.clamp(min=1)
    result, at = {}, 0
    for n in names:
        part = merged[at:at + base[n].numel()].view_as(base[n])
        result[n], at = base[n] + f32(scale) * part, at + base[n].numel()
    return result


for density, scale in [(0.2, 1.0), (0.5, 0.7)]:
    compare(f"ties, density {density}", merge("ties", "--base", pico(BASE), "--experts", *paths, "--density", density, "--scale", scale),
            ties(density, scale))

for recipe, words in {"ties": ["--base", pico(BASE), "--experts", *paths], "slerp": ["--a", paths[0], "--b", paths[1]],
                      "soup": ["--models", *paths, "--shard-size", "1MB"]}.items():
    folder = merge(recipe, *words, dtype=None)
    loaded = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
    logits = loaded(torch.arange(1, 33)[None]).logits
    check(bool(torch.isfinite(logits).all()) and logits.shape[-1] == loaded.config.vocab_size, f"{recipe} in bf16 loads in transformers and runs")
    if recipe == "ties":
        state = loaded.state_dict()
        check(all(torch.equal(state[n], t) for n, t in tensors(folder).items()), "and holds the bits of the file")
end()
