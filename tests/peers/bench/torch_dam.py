"""torch_dam.py THREADS EXPERT... -- DATA...: steps of DAM in plain torch, as one who knows it would write them: the experts in
f32; the merged weights formed once a step; all data in one batch through the merged model; F.rms_norm, F.scaled_dot_product_attention
and a fused AdamW. Takes a step for each line of standard input, and answers with a line of JSON: its seconds, those of CPU time,
and the loss before its update. learn.py runs it.
"""
import json
import sys
import time

import torch
import torch.nn.functional as F
from safetensors.torch import load_file

split = sys.argv.index("--")
THREADS, T, SIMILARITY, RATE = int(sys.argv[1]), 2.0, 0.01, 1e-3
folders, files = sys.argv[2:split], sys.argv[split + 1:]
torch.set_num_threads(THREADS)
with open(folders[0] + "/config.json") as config:
    C = json.load(config)
LAYERS, HEADS, GROUPS, EPS = C["num_hidden_layers"], C["num_attention_heads"], C["num_key_value_heads"], C["rms_norm_eps"]
HEAD = C["hidden_size"] // HEADS
ids = torch.cat([load_file(f)["input_ids"] for f in files]).long()[:, :-1]
angles = torch.outer(torch.arange(ids.shape[1]), C["rope_theta"] ** (-torch.arange(0, HEAD, 2) / HEAD)).repeat(1, 2)
COS, SIN = angles.cos(), angles.sin()


def turn(x):
    left, right = x.chunk(2, -1)
    return x * COS + torch.cat((-right, left), -1) * SIN


def logits(w, ids):
    """[windows, tokens, vocabulary] of a Llama whose head is its embedding."""
    x = F.embedding(ids, w["model.embed_tokens.weight"])
    rows, length, hidden = x.shape
    for layer in range(LAYERS):
        at = f"model.layers.{layer}."
        n = F.rms_norm(x, (hidden,), w[at + "input_layernorm.weight"], EPS)
        q, k, v = (F.linear(n, w[f"{at}self_attn.{p}_proj.weight"]).view(rows, length, -1, HEAD).transpose(1, 2) for p in "qkv")
        seen = F.scaled_dot_product_attention(turn(q), turn(k), v, is_causal=True, enable_gqa=GROUPS < HEADS)
        x = x + F.linear(seen.transpose(1, 2).reshape(rows, length, hidden), w[at + "self_attn.o_proj.weight"])
        n = F.rms_norm(x, (hidden,), w[at + "post_attention_layernorm.weight"], EPS)
        gate, up = (F.linear(n, w[f"{at}mlp.{p}_proj.weight"]) for p in ("gate", "up"))
        x = x + F.linear(F.silu(gate) * up, w[at + "mlp.down_proj.weight"])
    return F.linear(F.rms_norm(x, (hidden,), w["model.norm.weight"], EPS), w["model.embed_tokens.weight"])


class Mix(torch.autograd.Function):
    """sum_i c_i * W_i over columns; autograd's own way through it would keep every product."""

    @staticmethod
    def forward(context, c, *experts):
        context.experts = experts
        total = experts[0] * c[0]
        for w, row in zip(experts[1:], c[1:]):
            total.addcmul_(w, row)
        return total

    @staticmethod
    def backward(context, grad):
        columns = [(grad * w).sum_to_size(grad.shape[-1:]) for w in context.experts]
        return torch.stack(columns), *(None for _ in context.experts)


experts = [{name: t.float() for name, t in load_file(f + "/model.safetensors").items()} for f in folders]
count = len(experts)
coefficients = {name: torch.full((count, t.shape[-1]), 1 / count, requires_grad=True) for name, t in experts[0].items()}
optimiser = torch.optim.AdamW(coefficients.values(), lr=RATE, weight_decay=0, fused=True)


def step():
    with torch.no_grad():
        teachers = [F.log_softmax(logits(w, ids[i:i + 1]) / T, -1) for i, w in enumerate(experts)]
    merged = {name: Mix.apply(c, *(w[name] for w in experts)) for name, c in coefficients.items()}
    student = F.log_softmax(logits(merged, ids) / T, -1)
    loss = sum(F.kl_div(s, t[0], log_target=True, reduction="sum") for s, t in zip(student, teachers)) * T ** 2 / ids.shape[1]
    for c in coefficients.values():
        u = F.normalize(c, dim=-1)
        loss = loss + SIMILARITY * ((u @ u.T).sum() - (u * u).sum()) / (count * (count - 1))
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.item()


for line in sys.stdin:
    begun, spent = time.monotonic(), time.process_time()
    loss = step()
    print(json.dumps({"seconds": time.monotonic() - begun, "cpu": time.process_time() - spent, "loss": loss}), flush=True)
