"""Files of mergekit-moe give the routers and experts that mergekit makes of them: gates by prompts (hidden, hidden_avg, hidden_last,
cheap_embed) for Mixtral, Qwen-MoE, Qwen3-MoE and DeepSeek, with negative prompts, shared experts and factors. mergekit computes hidden states
in bf16; here it is made to do so in f32, so that what is left is rounding. Prompts of hidden_avg are of one length: mergekit takes the mean over
padding too. A shared expert is one of the experts: mergekit opens no other."""
import json
import os
import shutil
import subprocess

import torch
import transformers
import yaml
from mergekit.moe import router
from mergekit.moe.config import MoEMergeConfig
from mergekit.options import MergeOptions
from mergekit.scripts.moe import build

from peers import PICO, PROGRAM, ROOT, WORK, check, end, tensors

HIDDEN, INNER, LAYERS, ROWS = 32, 48, 3, 4096


class InF32:
    """What mergekit loads its base by."""
    @staticmethod
    def from_pretrained(path, **options):
        return transformers.AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)


router.AutoModelForCausalLM = InF32


def random_model(kind, name, seed):
    """A small model of Qwen 2 or 3, with a tokenizer of its kind, which has no BOS."""
    torch.manual_seed(seed)
    config = transformers.AutoConfig.for_model(kind, hidden_size=HIDDEN, intermediate_size=INNER, num_hidden_layers=LAYERS, vocab_size=ROWS,
                                               num_attention_heads=4, num_key_value_heads=2, head_dim=8, tie_word_embeddings=False)
    config.use_sliding_window = False
    model = transformers.AutoModelForCausalLM.from_config(config)
    folder = os.path.join(WORK.name, name)
    model.save_pretrained(folder)
    shutil.copy(os.path.join(ROOT, "tests", "data", "tokenizers", "qwen2", "tokenizer.json"), folder)
    with open(os.path.join(folder, "tokenizer_config.json"), "w") as out:
        json.dump({"tokenizer_class": "Qwen2Tokenizer", "bos_token": None, "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}, out)
    return folder


VERSES = ["And the LORD said unto Moses", "In the beginning God created the heaven", "Blessed are the meek"]
CODE, WORDS = ["def main(): return 0", "import os"], ["und so weiter, und so fort", "Thou shalt not"]
EVEN = [["aaa", "bbb"], ["cab", "aab"]]


def expert(model, positive, negative=None, **more):
    return {"source_model": model, "positive_prompts": positive, **({"negative_prompts": negative} if negative else {}), **more}


def ours_of(found, layout):
    """Names of the hub as mergekit 0.1.5 has them under transformers 5: the experts of a layer are one tensor."""
    if layout not in ("mixtral", "qwen3"):
        return found
    out, parts = {}, {}
    for name, x in found.items():
        name = name.replace("block_sparse_moe", "mlp")
        if ".experts." not in name:
            out[name] = x
            continue
        at, rest = name.split(".experts.")
        e, part = rest.split(".")[:2]
        parts[at, int(e), {"w1": "gate_proj", "w2": "down_proj", "w3": "up_proj"}.get(part, part)] = x
    for at in {key[0] for key in parts}:
        count = 1 + max(key[1] for key in parts if key[0] == at)
        out[at + ".experts.gate_up_proj"] = torch.stack([torch.cat([parts[at, e, "gate_proj"], parts[at, e, "up_proj"]]) for e in range(count)])
        out[at + ".experts.down_proj"] = torch.stack([parts[at, e, "down_proj"] for e in range(count)])
    return out


def compare(what, layout, file):
    path, out, given = (os.path.join(WORK.name, x) for x in ("file.yml", "out", "given"))
    with open(path, "w") as text:
        yaml.safe_dump(file, text, sort_keys=False)
    for folder in (out, given):
        shutil.rmtree(folder, ignore_errors=True)
    build(MoEMergeConfig.model_validate(file), given, MergeOptions(device="cpu", copy_tokenizer=False), device="cpu")
    ran = subprocess.run([PROGRAM, path, "-o", out, "--no-sync"], capture_output=True, text=True)
    check(ran.returncode == 0, f"{what}: it is merged {ran.stderr if ran.returncode else ''}")
    if ran.returncode:
        return
    theirs, ours = tensors(given), ours_of(tensors(out), layout)
    check(set(theirs) == set(ours), f"{what}: the same tensors {sorted(set(theirs) ^ set(ours))[:4] or ''}")
    worst = max((float((ours[n].double() - theirs[n].double()).abs().max()), n) for n in theirs if n in ours)
    check(worst[0] < 2e-5, f"{what}: the greatest difference is {worst[0]:.2g}, in {worst[1]}")


models = {name: os.path.join(PICO, name) for name in ("base", "kjv", "py", "man")}
for mode in ("hidden", "hidden_last", "cheap_embed"):
    compare(f"mixtral, {mode}", "mixtral", {"base_model": models["base"], "gate_mode": mode, "dtype": "float32", "experts": [
        expert(models["kjv"], VERSES), expert(models["py"], CODE, WORDS), expert(models["man"], ["NAME", "SYNOPSIS"], residual_scale=0.5)]})
compare("mixtral, hidden_avg", "mixtral", {"base_model": models["base"], "gate_mode": "hidden_avg", "dtype": "float32", "experts": [
    expert(models["kjv"], EVEN[0]), expert(models["py"], EVEN[1])]})
compare("deepseek with a shared expert", "deepseek", {"base_model": models["base"], "dtype": "float32", "experts_per_token": 1, "experts": [
    expert(models["kjv"], VERSES), expert(models["py"], CODE, WORDS)], "shared_experts": [{"source_model": models["py"], "residual_scale": 0.5}]})
compare("qwen of llamas", "qwen", {"base_model": models["base"], "dtype": "float32", "experts": [expert(models["kjv"], VERSES), expert(models["py"], CODE)],
                                   "shared_experts": [expert(models["kjv"], WORDS, CODE)]})
for kind, layout in (("qwen2", "qwen"), ("qwen3", "qwen3")):
    qwens = [random_model(kind, f"{kind}{i}", i) for i in range(3)]
    file = {"base_model": qwens[0], "dtype": "float32", "experts": [expert(qwens[1], VERSES), expert(qwens[2], CODE, WORDS)]}
    if kind == "qwen2":
        file["shared_experts"] = [expert(qwens[1], WORDS)]
    for mode in ("hidden", "cheap_embed"):
        compare(f"{kind}, {mode}", layout, {"gate_mode": mode, **file})
end()
