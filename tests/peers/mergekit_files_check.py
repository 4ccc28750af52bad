"""Files of mergekit, drawn at random over all its methods, give what mergekit makes of them: 60 files, or as many as FILES says, from seed
SEED. Models are small, in float32, and no two magnitudes of a tensor are equal. Shares below 1 of methods that draw are left to
mergekit_check.py."""
import json
import os
import random
import subprocess

import torch
from mergekit.config import MergeConfiguration
from mergekit.io.tasks import LoaderCache
from mergekit.merge import run_merge
from mergekit.options import MergeOptions
from safetensors.torch import save_file

from peers import PROGRAM, WORK, check, end, tensors

LAYERS, HIDDEN, WIDE, ROWS = 5, 16, 24, 40
FILTERS = ["self_attn", "mlp", "layernorm", "q_proj", "layers.1", "down_proj", "embed", "lm_head", "norm", "*", "nothing"]
EXPERTS, BASE = ["one", "two", "three"], "base"
VECTORS = ["task_arithmetic", "ties", "dare_linear", "dare_ties", "breadcrumbs", "breadcrumbs_ties", "della", "della_linear"]
METHODS = VECTORS + ["linear", "slerp", "nuslerp", "multislerp", "karcher", "passthrough", "model_stock", "nearswap", "sce", "ram", "ramplus_tl"]
WEIGHED, PAIRS = VECTORS + ["linear", "nuslerp", "multislerp"], ["slerp", "nearswap"]
NO_BASE = ["linear", "karcher", "passthrough"]
# What each parameter of the whole may be: two numbers and all between them, or a list of words.
SHARED = {"linear": {"normalize": [True, False, "no"]}, "slerp": {"t": (0, 1)}, "nearswap": {"t": (0.001, 0.02)},
          "nuslerp": {"nuslerp_flatten": [True, False], "nuslerp_row_wise": ["on", "off"]}, "multislerp": {"normalize_weights": [True, False]},
          "karcher": {"max_iter": [1, 2, 100], "tol": ["1e-6", 1e-5]}, "model_stock": {"filter_wise": [True, False]}, "sce": {"select_topk": (0.1, 1)},
          "ram": {"epsilon": (0.001, 0.02)}, "ramplus_tl": {"epsilon": (0.001, 0.02), "r": (0, 0.5), "alpha": (0.1, 1)}}
SHARED |= {m: {"normalize": [1, 0, True, "no"], "rescale": [True, False], "lambda": (0.1, 1.5), "int8_mask": [True]} for m in VECTORS}
draw = random.Random(int(os.environ.get("SEED", "1")))


def make(name, seed):
    """A Llama of its own: the base, or the base and a small difference."""
    shapes = {"model.embed_tokens.weight": (ROWS, HIDDEN), "model.norm.weight": (HIDDEN,), "lm_head.weight": (ROWS, HIDDEN)}
    for layer in range(LAYERS):
        at = f"model.layers.{layer}."
        shapes |= {at + f"self_attn.{x}_proj.weight": (HIDDEN, HIDDEN) for x in "qkvo"}
        shapes |= {at + "mlp.gate_proj.weight": (WIDE, HIDDEN), at + "mlp.up_proj.weight": (WIDE, HIDDEN), at + "mlp.down_proj.weight": (HIDDEN, WIDE),
                   at + "input_layernorm.weight": (HIDDEN,), at + "post_attention_layernorm.weight": (HIDDEN,)}
    base, own = torch.Generator().manual_seed(0), torch.Generator().manual_seed(seed)
    model = {n: torch.randn(s, generator=base) * 0.1 + (0.01 * torch.randn(s, generator=own) if seed else 0) for n, s in shapes.items()}
    os.makedirs(os.path.join(WORK.name, name))
    save_file(model, os.path.join(WORK.name, name, "model.safetensors"), metadata={"format": "pt"})
    with open(os.path.join(WORK.name, name, "config.json"), "w") as out:
        json.dump({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": HIDDEN, "intermediate_size": WIDE, "vocab_size": ROWS,
                   "num_hidden_layers": LAYERS, "num_attention_heads": 2, "num_key_value_heads": 2, "max_position_embeddings": 64,
                   "rms_norm_eps": 1e-6, "tie_word_embeddings": False, "torch_dtype": "float32", "hidden_act": "silu"}, out)


def number(limits):
    if isinstance(limits, list):
        return draw.choice(limits)
    value = round(draw.uniform(*limits), draw.choice([2, 3]))
    return str(value) if draw.random() < 0.1 else f"{round(value * 1000)}e-3" if draw.random() < 0.1 else value


def setting(limits):
    """A number, a gradient, or a list of filters."""
    kind = draw.random()
    gradient = [number(limits) for _ in range(draw.choice([1, 2, 3, 7]))]
    if kind < 0.5 or limits == [1, 2, 100]:
        return number(limits)
    if kind < 0.75:
        return gradient
    entries = [{"filter": draw.choice(FILTERS), "value": draw.choice([number(limits), gradient])} for _ in range(draw.randint(1, 3))]
    return entries + [{"value": number(limits)}] * draw.randint(0, 1)


def of_whole(method):
    return {name: setting(limits) for name, limits in SHARED[method].items() if limits != [1, 2, 100] or draw.random() < 0.5} if method in SHARED else {}


def of_model(method):
    found = {"weight": setting((0.1, 1.2))} if method in WEIGHED else {}
    if method in ("ties", "breadcrumbs", "breadcrumbs_ties"):
        found["density"] = setting((0.2, 1))
    if method.startswith("breadcrumbs"):
        found["gamma"] = setting((0, 0.4))
    if method == "passthrough" and draw.random() < 0.6:
        found["scale"] = setting((0, 2))
    return found


def sources(method, base, width=None):
    count = 1 if method in PAIRS + ["passthrough"] else 2 if method == "nuslerp" else draw.randint(2 if method == "model_stock" else 1, 3)
    entries = [{"model": name, "parameters": of_model(method)} for name in draw.sample(EXPERTS, count)]
    if base and (width or draw.random() < 0.5):
        entries.insert(draw.randint(0, count), {"model": base})
    for entry in entries if width else []:
        first = draw.randint(0, LAYERS - width)
        entry["layer_range"] = [first, first + width]
    return entries


def file():
    method = draw.choice(METHODS)
    base = None if method in NO_BASE or method in ("nuslerp", "multislerp") and draw.random() < 0.5 else BASE
    text = {"merge_method": method, "dtype": "float32", "parameters": of_whole(method)} | ({"base_model": base} if base else {})
    if method in WEIGHED:
        text["parameters"]["weight"] = number((0.1, 1.2))
    if draw.random() < 0.5:
        return text | {"models": sources(method, base)}
    slices = [{"sources": sources(method, base, draw.randint(1, 3))} for _ in range(draw.randint(1, 3))]
    if draw.random() < 0.3:
        slices[-1]["parameters"] = of_whole(method)
    while method != "passthrough" and len({len(s["sources"]) for s in slices}) > 1:  # mergekit cuts the last slice's sources to the first one's number
        slices = slices[:1]
    return text | draw.choice([{"slices": slices}, {"modules": {"default": {"slices": slices}}}])


def theirs(text, out):
    LoaderCache().loaders.clear()
    try:
        run_merge(MergeConfiguration.model_validate(text), out, MergeOptions(copy_tokenizer=False, quiet=True, write_model_card=False))
    except RuntimeError as error:  # filters that leave a tensor without a number
        return str(error)
    return None


os.environ["HF_HUB_OFFLINE"] = "1"
os.chdir(WORK.name)
for seed, name in enumerate([BASE, *EXPERTS]):
    make(name, seed)
for i in range(int(os.environ.get("FILES", "60"))):
    text = file()
    with open(f"{i}.yml", "w") as out:
        json.dump(text, out)  # JSON is YAML
    ours = subprocess.run([PROGRAM, f"{i}.yml", "-o", f"ours-{i}", "--quiet", "--no-sync"], capture_output=True, text=True)
    refused = theirs(text, f"theirs-{i}")
    if refused or ours.returncode:
        check(refused and ours.returncode == 65, f"file {i}: {text['merge_method']}: {refused}: {ours.stderr}")
        continue
    found, expected = tensors(f"ours-{i}"), tensors(f"theirs-{i}")
    worst = max(float(((found[n] - expected[n]).abs() / (4 * expected[n].abs() + expected[n].abs().max())).max()) for n in expected) if found.keys() == expected.keys() else 9
    check(worst < 1e-6, f"file {i}: {text['merge_method']}, off by {worst:.1e}" + ("" if worst < 1e-6 else f": {json.dumps(text)}"))
end()
