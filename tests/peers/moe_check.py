"""Mixtures load in transformers without a word, and their logits are those of a torch computation of the same routers and dense MLPs."""
import copy
import json
import os

import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

from peers import WORK, check, end, merge, tensors

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
torch.manual_seed(0)
SMALL = dict(vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
             max_position_embeddings=64, initializer_range=0.3)
IDS = torch.randint(0, 64, (2, 12))
EXPERTS, SHARED = 4, 5


def saved(what, config):
    """Six dense models of that configuration, in folders: a base, the experts, one to be shared."""
    made = []
    for i in range(EXPERTS + 2):
        model = AutoModelForCausalLM.from_config(config)
        model.save_pretrained(os.path.join(WORK.name, f"{what}-{i}"))
        made.append(model.eval())
    return made, [os.path.join(WORK.name, f"{what}-{i}") for i in range(EXPERTS + 2)]


class Mixture(torch.nn.Module):
    """The MLP of a layer, token by token, as the papers write it."""

    def __init__(self, experts, router, k, shared=None, shared_gate=None):
        super().__init__()
        self.experts, self.router, self.k, self.shared, self.shared_gate = torch.nn.ModuleList(experts), router, k, shared, shared_gate

    def forward(self, x):
        result = torch.zeros_like(x)
        for place in torch.cartesian_prod(torch.arange(x.shape[0]), torch.arange(x.shape[1])):
            token = x[place[0], place[1]]
            share, chosen = torch.softmax(self.router @ token, 0).topk(self.k)
            for p, e in zip(share / share.sum(), chosen):
                result[place[0], place[1]] += p * self.experts[e](token)
            if self.shared is not None:
                gate = 1 if self.shared_gate is None else torch.sigmoid(self.shared_gate @ token)
                result[place[0], place[1]] += gate * self.shared(token)
        return result


def by_hand(models, written, names, k, shared):
    """The base with a mixture in the place of each MLP, its routers as the result has them."""
    made = copy.deepcopy(models[0])
    for i, layer in enumerate(made.model.layers):
        router, gate = (written.get(f"model.layers.{i}.{name}") for name in names)
        layer.mlp = Mixture([m.model.layers[i].mlp for m in models[1:1 + EXPERTS]], router, k, models[SHARED].model.layers[i].mlp if shared else None, gate)
    return made


def compare(what, config, layout, names, k, *words, shared=False, loads=True):
    models, folders = saved(what, config)
    words = list(words) + (["--shared", folders[SHARED]] if shared else [])
    folder = merge("moe", "--base", folders[0], "--experts", *folders[1:1 + EXPERTS], "--layout", layout, "--per-token", k, "--spread", 1, *words,
                   dtype=None)
    hand = by_hand(models, tensors(folder), names, k, shared)
    if not loads:
        return folder, hand
    found, report = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    odd = {key: value for key, value in report.items() if value and key in ("missing_keys", "unexpected_keys", "mismatched_keys")}
    check(not odd and type(found).__name__.lower().startswith(layout.replace("_", "")), f"{what}: {type(found).__name__} finds every tensor {odd or ''}")
    with torch.no_grad():
        one, two = found.eval()(IDS).logits, hand(IDS).logits
        plain = models[0](IDS).logits
    off = float((one - two).abs().max() / two.abs().max())
    check(off < 2e-5, f"{what}: logits of the computation by hand, off by {off:.1e} of the largest")
    check(float((plain - two).abs().max() / two.abs().max()) > 1e-2, f"{what}: which are not the base's")
    text = found.generate(IDS[:1, :4], max_new_tokens=4, do_sample=False, pad_token_id=0)
    check(text.shape == (1, 8), f"{what}: it writes")
    return folder, hand


MIXTRAL = ("block_sparse_moe.gate.weight", "none")
QWEN = ("mlp.gate.weight", "mlp.shared_expert_gate.weight")
folder, _ = compare("llama", transformers.LlamaConfig(**SMALL), "mixtral", MIXTRAL, 2)
compare("llama of other heads", transformers.LlamaConfig(head_dim=16, rms_norm_eps=1e-3, rope_theta=500.0, tie_word_embeddings=True, **SMALL), "mixtral",
        MIXTRAL, 1)
compare("mistral", transformers.MistralConfig(sliding_window=4, **SMALL), "mixtral", MIXTRAL, 3)
compare("qwen2", transformers.Qwen2Config(**SMALL), "qwen2_moe", QWEN, 2, shared=True)
compare("qwen3", transformers.Qwen3Config(head_dim=8, **SMALL), "qwen3_moe", QWEN, 2)

given = {name: torch.randn(EXPERTS, 32) for name in tensors(folder) if name.endswith(MIXTRAL[0])}
save_file(given, os.path.join(WORK.name, "routers.safetensors"))
compare("routers of a file", transformers.LlamaConfig(**SMALL), "mixtral", MIXTRAL, 2, "--router", os.path.join(WORK.name, "routers.safetensors"))

# Equal experts are the dense model, whatever the router says.
models, folders = saved("same", transformers.LlamaConfig(**SMALL))
same = AutoModelForCausalLM.from_pretrained(merge("moe", "--base", folders[0], "--experts", *folders[:1] * 3, dtype=None)).eval()
with torch.no_grad():
    check(torch.allclose(same(IDS).logits, models[0](IDS).logits, atol=1e-5, rtol=1e-4), "equal experts: the logits of the dense model")


class DeepSeek(torch.nn.Module):
    """The MLP of a layer from the result's own tensors, read as the published deepseek-moe-16b-base reads its config.json: all tokens at once, the
    shares of the chosen experts divided by their sum where norm_topk_prob says so, n_shared_experts MLPs as one of that many times the width."""

    def __init__(self, written, layer, config):
        super().__init__()
        self.config, self.at = config, f"model.layers.{layer}.mlp."
        self.written = {name: value for name, value in written.items() if name.startswith(self.at)}

    def mlp(self, x, part):
        gate, up, down = (self.written[f"{self.at}{part}.{name}_proj.weight"] for name in ("gate", "up", "down"))
        return (torch.nn.functional.silu(x @ gate.T) * (x @ up.T)) @ down.T

    def forward(self, x):
        c, flat = self.config, x.reshape(-1, x.shape[-1])
        scores = torch.softmax(flat @ self.written[self.at + "gate.weight"].T, -1)
        share, chosen = torch.topk(scores, c["num_experts_per_tok"], sorted=False)
        if c["norm_topk_prob"] and c["num_experts_per_tok"] > 1:
            share = share / (share.sum(-1, keepdim=True) + 1e-20)
        weight = torch.zeros_like(scores).scatter(1, chosen, share)
        result = sum(weight[:, e:e + 1] * self.mlp(flat, f"experts.{e}") for e in range(c["n_routed_experts"]))
        if c.get("n_shared_experts"):
            result = result + self.mlp(flat, "shared_experts")
        return result.reshape(x.shape)


def deepseek(folder, hand, what):
    """DeepSeek's own code for this layout is not in transformers (DeepseekV2 and V3 have another attention): so the same from its definition."""
    with open(os.path.join(folder, "config.json")) as file:
        config = json.load(file)
    expected = dict(model_type="deepseek", architectures=["DeepseekForCausalLM"], scoring_func="softmax", first_k_dense_replace=0, moe_layer_freq=1,
                    n_routed_experts=EXPERTS, moe_intermediate_size=48)
    check(all(config[key] == value for key, value in expected.items()), f"{what}: config.json says what deepseek-moe's reads")
    written, made = tensors(folder), copy.deepcopy(hand)
    unread = {name for name in written if ".mlp." not in name} ^ {name for name in made.state_dict() if ".mlp." not in name}
    check(not unread - {"lm_head.weight"}, f"{what}: all else has the names of Llama {sorted(unread)[:3] or ''}")
    made.load_state_dict({name: value for name, value in written.items() if ".mlp." not in name}, strict=False)
    for i, layer in enumerate(made.model.layers):
        layer.mlp = DeepSeek(written, i, config)
    with torch.no_grad():
        one, two = made(IDS).logits, hand(IDS).logits
    off = float((one - two).abs().max() / two.abs().max())
    check(off < 2e-5, f"{what}: logits of the computation by hand, off by {off:.1e} of the largest")


DEEPSEEK = ("mlp.gate.weight", "none")
deepseek(*compare("deepseek", transformers.MistralConfig(**SMALL), "deepseek", DEEPSEEK, 3, loads=False), "deepseek, no expert shared")
folder, hand = compare("deepseek", transformers.LlamaConfig(**SMALL), "deepseek", DEEPSEEK, 2, shared=True, loads=False)
deepseek(folder, hand, "deepseek with a shared expert")
# Names and shapes are those of the published deepseek-moe-16b-base.
wanted = {f"model.layers.1.mlp.{at}.{part}.weight": shape for at in ["experts.0", "experts.3", "shared_experts"]
          for part, shape in [("gate_proj", [48, 32]), ("up_proj", [48, 32]), ("down_proj", [32, 48])]} | {"model.layers.1.mlp.gate.weight": [4, 32]}
check(all(list(tensors(folder)[name].shape) == shape for name, shape in wanted.items()), "deepseek: the names and shapes of deepseek-moe")
end()
