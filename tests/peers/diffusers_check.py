"""Whole pipelines that diffusers saved are merged; it loads them again, with every component the average that torch computes."""
import json
import os

import diffusers
import torch
import transformers
from diffusers import (AutoencoderKL, DDIMScheduler, DiffusionPipeline, EulerDiscreteScheduler, StableDiffusionPipeline,
                       StableDiffusionXLPipeline, UNet2DConditionModel)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from peers import WORK, check, end, merge

diffusers.utils.logging.disable_progress_bar()
transformers.utils.logging.disable_progress_bar()
SHARE = 0.25


def place(*parts):
    return os.path.join(WORK.name, *parts)


def tokenizer():
    """Letters and their ends of words: enough for CLIP's tokenizer."""
    folder = place("tokens")
    os.makedirs(folder, exist_ok=True)
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    words = letters + [x + "</w>" for x in letters] + ["<|startoftext|>", "<|endoftext|>"]
    with open(os.path.join(folder, "vocab.json"), "w") as file:
        json.dump({word: i for i, word in enumerate(words)}, file)
    with open(os.path.join(folder, "merges.txt"), "w") as file:
        file.write("#version: 0.2\n")
    return CLIPTokenizer.from_pretrained(folder, model_max_length=16), len(words)


def text_encoder(kind, seed, vocabulary):
    torch.manual_seed(seed)
    return kind(CLIPTextConfig(vocab_size=vocabulary, hidden_size=32, intermediate_size=37, num_hidden_layers=2, num_attention_heads=4,
                               max_position_embeddings=16, projection_dim=32, bos_token_id=52, eos_token_id=53, pad_token_id=53))


def vae():
    torch.manual_seed(7)  # the same in all pipelines
    return AutoencoderKL(block_out_channels=(8, 16), norm_num_groups=4, layers_per_block=1, latent_channels=4,
                         down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2, sample_size=32)


def unet(seed, **more):
    torch.manual_seed(seed)
    return UNet2DConditionModel(block_out_channels=(8, 16), norm_num_groups=4, layers_per_block=1, sample_size=16, attention_head_dim=4,
                                down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), **more)


def stable(seed):
    words, count = tokenizer()
    return StableDiffusionPipeline(vae=vae(), text_encoder=text_encoder(CLIPTextModel, seed, count), tokenizer=words,
                                   unet=unet(seed, cross_attention_dim=32), scheduler=DDIMScheduler(), safety_checker=None,
                                   feature_extractor=None, requires_safety_checker=False)


def xl(seed):
    words, count = tokenizer()
    return StableDiffusionXLPipeline(
        vae=vae(), text_encoder=text_encoder(CLIPTextModel, seed, count), text_encoder_2=text_encoder(CLIPTextModelWithProjection, seed + 100, count),
        tokenizer=words, tokenizer_2=words, scheduler=EulerDiscreteScheduler(), force_zeros_for_empty_prompt=True,
        unet=unet(seed, cross_attention_dim=64, addition_embed_type="text_time", addition_time_embed_dim=8, projection_class_embeddings_input_dim=80))


def models(pipeline):
    return {name: part for name, part in pipeline.components.items() if isinstance(part, torch.nn.Module)}


def average(a, b):
    """`a` becomes (1 - SHARE) a + SHARE b, in float32 as moonweld computes it."""
    share, rest = torch.tensor(SHARE, dtype=torch.float32), torch.tensor(1 - SHARE, dtype=torch.float32)
    for name, part in models(a).items():
        other = models(b)[name].state_dict()
        part.load_state_dict({key: rest * value + share * other[key] if value.is_floating_point() else value
                              for key, value in part.state_dict().items()})
    return a


def same(found, wanted, what, dtype=torch.float32):
    for name, part in models(wanted).items():
        state, own = models(found)[name].state_dict(), part.state_dict()
        check(state.keys() == own.keys() and all(torch.equal(state[key].to(dtype), own[key].to(dtype)) for key in own), f"{what}: {name} is torch's average")


def draw(pipeline):
    pipeline.set_progress_bar_config(disable=True)
    return torch.as_tensor(pipeline("a cat", num_inference_steps=2, height=32, width=32, output_type="np",
                                    generator=torch.Generator().manual_seed(1)).images)


for title, make in (("stable diffusion", stable), ("stable diffusion xl", xl)):
    a, b = make(1), make(2)
    folder = title.replace(" ", "_")
    a.save_pretrained(place(folder, "a"))
    b.save_pretrained(place(folder, "b"), max_shard_size="60KB")
    out = merge("lerp", "--a", place(folder, "a"), "--b", place(folder, "b"), "--t", SHARE, dtype=None)
    sharded = merge("lerp", "--a", place(folder, "a"), "--b", place(folder, "b"), "--t", SHARE, "--shard-size", "60KB", dtype=None)
    half = merge("lerp", "--a", place(folder, "a"), "--b", place(folder, "b"), "--t", SHARE, dtype="f16")
    wanted = average(a, b)
    loaded = DiffusionPipeline.from_pretrained(out)
    check(type(loaded) is type(a), f"{title}: is loaded as {type(loaded).__name__}")
    same(loaded, wanted, title)
    found, expected = draw(loaded), draw(wanted)
    worst = float((found - expected).abs().max())
    check(worst <= 1e-4, f"{title}: draws the same picture (of values from 0 to 1, {worst:.1g} apart)")
    check(os.path.exists(os.path.join(sharded, "unet", "diffusion_pytorch_model.safetensors.index.json")), f"{title}: the unet has shards")
    same(DiffusionPipeline.from_pretrained(sharded), wanted, f"{title}, in shards")
    same(DiffusionPipeline.from_pretrained(half, torch_dtype=torch.float16), wanted, f"{title}, as f16", torch.float16)

    a.save_pretrained(place(folder, "fp16"), variant="fp16")  # holds weights of this variant alone
    out = merge("passthrough", "--model", place(folder, "fp16"), dtype=None)
    same(DiffusionPipeline.from_pretrained(out), wanted, f"{title}, from a variant")
end()
