"""Outputs of --tokenizer load in tokenizers and transformers: a text without added tokens is cut as by the base's tokenizer, the text of
every token that was added gives its id, as does that of every token of the base that gave its id before, and logits of such texts are
those of the base where all models are the base. Byte-level BPE, Unigram, WordPiece and WordLevel, each trained here on small texts.
"""
import json
import os
import subprocess
import sys
import tempfile

import numpy
import torch
from safetensors.numpy import load_file, save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, AutoTokenizer

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
PROGRAM = os.environ.get("MOONWELD", os.path.join(ROOT, "build", "moonweld"))
ENGLISH = ["the winter was long and the river froze", "she walked home after the rain", "there is nothing like a quiet evening by the sea"] * 20
CODE = ["def main(argv): return len(argv);", "for (i = 0; i < n; i++) { sum += a[i]; }", "print(f'{x}'); // the end", "Größe = straße();"] * 20
HELD = ["the sea froze", "she was home", "a long quiet river", "rain and rain", "nothing"]
failed = 0


def check(good, what):
    global failed
    if not good:
        failed += 1
        print("not ok:", what)


def train(kind, texts, size):
    special = ["<unk>", "<s>", "</s>"]
    if kind == "bpe":
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    elif kind == "unigram":
        tokenizer = Tokenizer(models.Unigram())
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
        trainer = trainers.UnigramTrainer(vocab_size=size, special_tokens=special, unk_token="<unk>", show_progress=False)
    elif kind == "wordpiece":
        tokenizer = Tokenizer(models.WordPiece(unk_token="<unk>"))
        tokenizer.normalizer = normalizers.Lowercase()
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=special, show_progress=False)
    else:
        tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        trainer = trainers.WordLevelTrainer(vocab_size=size, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def write(folder, tokenizer, seed):
    os.makedirs(folder)
    tokenizer.save(os.path.join(folder, "tokenizer.json"))
    rows, width = max(tokenizer.get_vocab().values()) + 1, 16
    random = numpy.random.default_rng(seed)
    shapes = {"model.embed_tokens.weight": (rows, width), "model.norm.weight": (width,), "lm_head.weight": (rows, width)}
    layer = {"input_layernorm": (width,), "post_attention_layernorm": (width,), "self_attn.q_proj": (width, width), "self_attn.k_proj": (width, width),
             "self_attn.v_proj": (width, width), "self_attn.o_proj": (width, width), "mlp.gate_proj": (24, width), "mlp.up_proj": (24, width), "mlp.down_proj": (width, 24)}
    shapes.update({f"model.layers.0.{name}.weight": shape for name, shape in layer.items()})
    save_file({name: random.standard_normal(shape).astype(numpy.float32) for name, shape in shapes.items()}, os.path.join(folder, "model.safetensors"))
    with open(os.path.join(folder, "config.json"), "w") as out:
        json.dump({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": width, "intermediate_size": 24, "num_hidden_layers": 1,
                   "num_attention_heads": 2, "vocab_size": rows, "tie_word_embeddings": False, "torch_dtype": "float32", "bos_token_id": 1, "eos_token_id": 2}, out)
    with open(os.path.join(folder, "tokenizer_config.json"), "w") as out:
        decoder = {i: {"content": token.content, "lstrip": token.lstrip, "normalized": token.normalized, "rstrip": token.rstrip, "single_word": token.single_word,
                       "special": token.special} for i, token in tokenizer.get_added_tokens_decoder().items()}
        json.dump({"added_tokens_decoder": decoder, "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}, out)


def run(*words):
    done = subprocess.run([PROGRAM, *words], capture_output=True, text=True)
    check(done.returncode == 0, f"{' '.join(words)}: {done.stderr}")
    return done.returncode == 0


def alone(tokenizer, text):
    return tokenizer.encode(text, add_special_tokens=False).ids


def held_against(what, base, out, other):
    """The output's tokenizer against the base's, and its embeddings against the texts of tokens."""
    united, vocab = Tokenizer.from_file(os.path.join(out, "tokenizer.json")), {}
    with open(os.path.join(out, "tokenizer.json"), encoding="utf-8") as file:
        written = json.load(file)
    entries = written["model"]["vocab"]
    vocab.update(entries if isinstance(entries, dict) else {entry[0]: i for i, entry in enumerate(entries)})
    vocab.update({entry["content"]: entry["id"] for entry in written["added_tokens"]})
    old = base.get_vocab()
    check(united.get_vocab() == vocab, f"{what}: the library gives other ids")
    check(all(vocab[token] == i for token, i in old.items()), f"{what}: an id of the base has changed")
    check(set(vocab) == set(old) | set(other.get_vocab()), f"{what}: other tokens")
    new = [token for token in vocab if token not in old]
    lost = [token for token in new if alone(united, token) != [vocab[token]]]
    lost += [token for token, i in old.items() if alone(base, token) == [i] and alone(united, token) != [i]]
    check(not lost, f"{what}: alone {len(lost)} do not give their ids: {lost[:5]}")
    words = set(new)
    for text in HELD:
        if not any(token in text for token in words):
            check(alone(united, text) == alone(base, text), f"{what}: '{text}' is cut otherwise")
    loaded = AutoTokenizer.from_pretrained(out)
    model = AutoModelForCausalLM.from_pretrained(out)
    rows = model.get_input_embeddings().weight.shape[0]
    check(model.config.vocab_size == rows and len(loaded) <= rows, f"{what}: {len(loaded)} tokens and {rows} rows")
    for text in HELD + new[:20] + new[-2:]:
        check(loaded(text, add_special_tokens=False).input_ids == alone(united, text), f"{what}: transformers cuts '{text}' otherwise")
    with torch.no_grad():
        check(bool(torch.isfinite(model(loaded(HELD[0], return_tensors="pt").input_ids).logits).all()), f"{what}: logits")
    return vocab


def main():
    for kind in "bpe", "unigram", "wordpiece", "wordlevel":
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            a, b = train(kind, ENGLISH, 300), train(kind, CODE + ENGLISH[:3], 330)
            b.add_tokens([AddedToken("<think>", normalized=False), AddedToken("Mask", special=True, normalized=False)])
            write("a", a, 1)
            write("b", b, 2)
            if not run("soup", "--models", "a", "b", "--tokenizer", "union", "-o", "union"):
                continue
            vocab = held_against(kind, a, "union", b)
            x, y, z = (load_file(f"{name}/model.safetensors") for name in ("a", "b", "union"))
            for part in "model.embed_tokens.weight", "lm_head.weight":
                for token, i in vocab.items():
                    own, other = a.get_vocab().get(token), b.get_vocab().get(token)
                    p = x[part][own] if own is not None else y[part][other]
                    q = y[part][other] if other is not None else x[part][own]
                    if not numpy.allclose((p + q) / 2, z[part][i], atol=1e-6):
                        check(False, f"{kind}: {part}: the row of '{token}'")
                        break
            run("soup", "--models", "a", "a", "--tokenizer", "union", "-o", "same")
            with open("a/tokenizer.json", "rb") as one, open("same/tokenizer.json", "rb") as two:
                check(one.read() == two.read(), f"{kind}: the tokenizer of a union with itself")
            run("soup", "--models", "a", "b", "--tokenizer", "b", "--pad-vocabulary", "64", "-o", "other")
            model = AutoModelForCausalLM.from_pretrained("other")
            check(model.config.vocab_size % 64 == 0 and model.get_output_embeddings().weight.shape[0] == model.config.vocab_size, f"{kind}: padding")
            check(AutoTokenizer.from_pretrained("other").get_vocab() == b.get_vocab(), f"{kind}: the other's tokenizer")
            if kind == "bpe":  # which moonweld's own tokenizer reads, too
                texts, united = HELD + [f"{token} and (x{token}) {token}." for token in vocab], Tokenizer.from_file("union/tokenizer.json")
                lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
                done = subprocess.run([PROGRAM, "tokenize", "union", "--plain"], input=lines, capture_output=True, text=True)
                own = [json.loads(line) for line in done.stdout.splitlines()]
                check(own == [alone(united, text) for text in texts], f"moonweld tokenize: {done.stderr}")
            os.chdir("/")
    print("ok" if not failed else f"{failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
