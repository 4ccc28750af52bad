"""Validation losses of merges of the carried models, nats a token on the held-out windows of each domain: the table of
recipes/README.md, and what it is to show. The forward pass is transformers' in float32, on models written in float32."""
import os

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from peers import PICO, check, end, merge, pico

DOMAINS = ["kjv", "py", "man", "de"]
windows = {d: load_file(os.path.join(PICO, "data", f"{d}.validation.safetensors"))["input_ids"].long() for d in DOMAINS}


@torch.no_grad()
def losses(folder):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    result = []
    for d in DOMAINS:
        total, count = 0.0, 0
        for batch in windows[d].split(16):
            logits = model(batch[:, :-1]).logits
            total += float(torch.nn.functional.cross_entropy(logits.flatten(0, 1).double(), batch[:, 1:].flatten(), reduction="sum"))
            count += batch[:, 1:].numel()
        result.append(total / count)
    return result + [sum(result) / len(result)]


FOUR = "--base base --experts kjv py man de"
rows = [
    "base", *DOMAINS,
    "soup --models kjv py man de",
    f"task_arithmetic {FOUR}",
    f"task_arithmetic {FOUR} --scale 0.4",
    f"ties {FOUR}",
    f"ties {FOUR} --density 0.5",
    f"ties {FOUR} --density 0.5 --profile mergekit",
    *[f"dare --base base --expert kjv --drop {p}" for p in (0, 0.5, 0.9, 0.99)],
    *[f"dare_linear {FOUR} --scale 0.4 --drop {p}" for p in (0.5, 0.9, 0.99)],
    f"dare_ties {FOUR}",
    "m3 --models kjv py --lambda 0.5",
    "m3_ties --base base --experts kjv py --lambda 0.5",
    "m3_dare --base base --experts kjv py --lambda 0.5",
]

table = {}
print("| model | kjv | py | man | de | mean |\n|---|---|---|---|---|---|")
for row in rows:
    recipe, *words = row.split()
    known = {"base", *DOMAINS}
    folder = merge(recipe, *[pico(w) if w in known else w for w in words]) if words else pico(row)
    table[row] = losses(folder)
    print(f"| `{row}` |", " | ".join(f"{x:.3f}" for x in table[row]), "|", flush=True)

mean = {row: values[-1] for row, values in table.items()}
soup, ties, task = "soup --models kjv py man de", f"ties {FOUR}", f"task_arithmetic {FOUR}"
check(all(mean[soup] < mean[d] for d in ["base", *DOMAINS]), "the average beats every expert, and the base, on the mean")
check(mean[ties] < mean[task] - 0.05, "ties at scale 1 is far better than task arithmetic at scale 1")
one = [mean[f"dare --base base --expert kjv --drop {p}"] for p in (0, 0.5, 0.9, 0.99)]
check(one == sorted(one), "what dare costs grows with the share dropped, for one expert")
many = [mean[f"dare_linear {FOUR} --scale 0.4 --drop {p}"] for p in (0.5, 0.9, 0.99)]
check(many == sorted(many), "and for four")
end()
