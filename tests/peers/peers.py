"""What the peer checks share: running moonweld, reading tensors, counting what holds."""
import os
import subprocess
import sys
import tempfile

import torch
from safetensors.torch import load_file

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
PROGRAM = os.environ.get("MOONWELD", os.path.join(ROOT, "build", "moonweld"))
PICO = os.path.join(ROOT, "tests", "data", "pico")
WORK = tempfile.TemporaryDirectory(prefix="moonweld-peers-")
counts = {"passed": 0, "failed": 0, "made": 0}


def pico(name):
    return os.path.join(PICO, name)


def merge(recipe, *words, dtype="f32", seed=0):
    """Runs a recipe; gives the folder of the result."""
    counts["made"] += 1
    out = os.path.join(WORK.name, f"merge-{counts['made']}")
    command = [PROGRAM, recipe, *map(str, words), "--quiet", "--seed", str(seed), "-o", out]
    subprocess.run(command + (["--dtype", dtype] if dtype else []), check=True)
    return out


def tensors(folder):
    return load_file(os.path.join(folder, "model.safetensors"))


def model(name):
    """A carried model in float32."""
    return {key: value.float() for key, value in tensors(pico(name)).items()}


def check(good, what):
    counts["passed" if good else "failed"] += 1
    print("ok: " if good else "not ok: ", what, sep="")


def ulps(x, y, *operands):
    """Distance in units of the last place of the largest operand (a sum of them may cancel), element by element."""
    largest = torch.stack([t.abs() for t in operands]).amax(0).clamp(min=2.0 ** -100)
    return (x.double() - y.double()).abs() / (largest.log2().floor().exp2() * 2.0 ** -23)


def end():
    print(f"{counts['passed']} passed, {counts['failed']} failed")
    sys.exit(1 if counts["failed"] else 0)
