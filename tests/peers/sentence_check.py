"""Models that sentence-transformers saved, with a dense layer of its own behind the pooling, are merged; it loads them and encodes."""
import os

import torch
import transformers
from sentence_transformers import SentenceTransformer
from transformers import BertConfig, BertModel, BertTokenizer

try:
    from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling, Transformer
except ImportError:  # before 6.0
    from sentence_transformers.models import Dense, Normalize, Pooling, Transformer

from peers import WORK, check, end, merge

transformers.utils.logging.disable_progress_bar()
TEXTS = ["a cat sat", "the dog ran", "abc"]


def place(*parts):
    return os.path.join(WORK.name, *parts)


def embedder(name, seed, *, dense, safe=True):
    """A tiny BERT, its pooling, and where asked for a dense layer and a normalisation."""
    torch.manual_seed(seed)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "cat", "sat", "the", "dog", "ran"] + [f"##{chr(c)}" for c in range(97, 123)]
    folder = place("bert-" + name)
    os.makedirs(folder)
    with open(os.path.join(folder, "vocab.txt"), "w") as file:
        file.write("\n".join(words))
    BertTokenizer.from_pretrained(folder).save_pretrained(folder)
    BertModel(BertConfig(vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=37,
                         max_position_embeddings=32)).save_pretrained(folder)
    modules = [Transformer(folder), Pooling(32)]
    if dense:
        modules += [Dense(32, 16), Normalize()]
    model = SentenceTransformer(modules=modules, device="cpu").eval()
    model.save_pretrained(place(name), safe_serialization=safe)
    return model


def average(a, b):
    other = b.state_dict()
    half = torch.tensor(0.5, dtype=torch.float32)
    a.load_state_dict({key: half * value + half * other[key] if value.is_floating_point() else value for key, value in a.state_dict().items()})
    return a


for title, dense in (("with a dense layer", True), ("without", False)):
    name = "dense" if dense else "plain"
    a, b = embedder(name + "_a", 1, dense=dense), embedder(name + "_b", 2, dense=dense)
    out = merge("lerp", "--a", place(name + "_a"), "--b", place(name + "_b"), dtype=None)
    loaded, wanted = SentenceTransformer(out, device="cpu").eval(), average(a, b)
    state, own = loaded.state_dict(), wanted.state_dict()
    check([type(x).__name__ for x in loaded] == [type(x).__name__ for x in wanted], f"{title}: has the same modules")
    check(state.keys() == own.keys() and all(torch.equal(state[key], own[key]) for key in own), f"{title}: all weights are torch's average")
    found, expected = loaded.encode(TEXTS, convert_to_tensor=True), wanted.encode(TEXTS, convert_to_tensor=True)
    check(found.shape == (3, 16 if dense else 32) and torch.equal(found, expected), f"{title}: encodes to the same vectors")

out = merge("task_arithmetic", "--base", place("dense_a"), "--experts", place("dense_b"), "--shard-size", "20KB", dtype=None)
found = SentenceTransformer(out, device="cpu").eval().encode(TEXTS, convert_to_tensor=True)
check(torch.allclose(found, SentenceTransformer(place("dense_b"), device="cpu").eval().encode(TEXTS, convert_to_tensor=True), atol=1e-5),
      "in shards: base + (b - base) encodes as b does")
end()
