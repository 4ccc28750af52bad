"""--tokenizer union over pairs of tokenizers that are made here, of kinds that meet seldom: a text without added tokens is cut as by the base's, the text
of every token that was added gives its id alone, and the rows of embeddings and head are the means of the rows of that text."""
import json
import os
import subprocess

import numpy
from safetensors.numpy import load_file, save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from peers import PROGRAM, WORK, check, end

ENGLISH = ["the winter was long and the river froze", "she walked home after the rain", "there is nothing like a quiet evening by the sea"] * 20
CODE = ["def main(argv): return len(argv);", "for (i = 0; i < n; i++) { sum += a[i]; }", "print(f'{x}'); // the end", "Größe = straße();"] * 20
HELD = ["the sea froze", "a long quiet river", "nothing", "Zürich 東京 \U0001F600", "  two  spaces ", "tab\tline\n", "<s>x</s>", "(i<n);"]
SPECIAL = ["<unk>", "<s>", "</s>"]


def changed(tokenizer, change):
    written = json.loads(tokenizer.to_str())
    change(written)
    return Tokenizer.from_str(json.dumps(written))


def bpe(texts, size=320, ignore_merges=False):
    made = Tokenizer(models.BPE())
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    made.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=size, special_tokens=SPECIAL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                                        show_progress=False))
    return changed(made, lambda written: written["model"].update(ignore_merges=ignore_merges))


def fallback(texts, size=340):
    """Llama 2's kind: bytes are ordinary tokens, and a space is a letter."""
    made = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    made.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    made.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()])
    made.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=size, special_tokens=SPECIAL + [f"<0x{i:02X}>" for i in range(256)], show_progress=False))
    return changed(made, lambda written: written.update(added_tokens=[t for t in written["added_tokens"] if not t["content"].startswith("<0x")]))


def unigram(texts, size=220):
    made = Tokenizer(models.Unigram())
    made.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(" ", "\u2581")])
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.train_from_iterator(texts, trainers.UnigramTrainer(vocab_size=size, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False))
    return made


def wordpiece(texts, lowercase=True, size=220):
    made = Tokenizer(models.WordPiece(unk_token="<unk>"))
    made.normalizer, made.pre_tokenizer = normalizers.BertNormalizer(lowercase=lowercase), pre_tokenizers.BertPreTokenizer()
    made.train_from_iterator(texts, trainers.WordPieceTrainer(vocab_size=size, special_tokens=SPECIAL + ["[MASK]"], show_progress=False))
    return made


def with_tokens(made, *tokens):
    made.add_tokens([token if isinstance(token, AddedToken) else AddedToken(token, normalized=False) for token in tokens])
    return made


def write(folder, tokenizer, seed, tied, padding):
    os.makedirs(folder)
    tokenizer.save(os.path.join(folder, "tokenizer.json"))
    rows, random = max(tokenizer.get_vocab().values()) + 1 + padding, numpy.random.default_rng(seed)
    shapes = {"model.embed_tokens.weight": (rows, 16), "model.norm.weight": (16,)} | ({} if tied else {"lm_head.weight": (rows, 16)})
    save_file({name: random.standard_normal(shape).astype(numpy.float32) for name, shape in shapes.items()}, os.path.join(folder, "model.safetensors"))
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump({"model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": rows, "tie_word_embeddings": tied, "torch_dtype": "float32",
                   "hidden_size": 16}, file)


def alone(tokenizer, text):
    return tokenizer.encode(text, add_special_tokens=False).ids


def wrong_row(vocab, folders, old, other):
    one, two, united = (load_file(os.path.join(folder, "model.safetensors")) for folder in folders)
    for part in united.keys() - {"model.norm.weight"}:
        x, y = (rows.get(part, rows["model.embed_tokens.weight"]) for rows in (one, two))
        for token, i in vocab.items():
            p = x[old[token]] if token in old else y[other[token]]
            q = y[other[token]] if token in other else p
            if not numpy.allclose((p + q) / 2, united[part][i], atol=1e-6):
                return f"{part}: the row of '{token}'"
    return None


def compare(what, base, second, tied=(False, False), padding=(0, 0)):
    folders = [os.path.join(WORK.name, f"{what}-{name}") for name in ("a", "b", "union")]
    for i, tokenizer in enumerate((base, second)):
        write(folders[i], tokenizer, i, tied[i], padding[i])
    done = subprocess.run([PROGRAM, "soup", "--models", *folders[:2], "--tokenizer", "union", "--allow", "config", "--quiet", "-o", folders[2]],
                          capture_output=True, text=True)
    check(done.returncode == 0, f"{what}: it is made {done.stderr if done.returncode else ''}")
    united = Tokenizer.from_file(os.path.join(folders[2], "tokenizer.json"))
    vocab, old, other = united.get_vocab(), base.get_vocab(), second.get_vocab()
    new = [token for token in vocab if token not in old]
    check(set(vocab) == set(old) | set(other) and all(vocab[token] == i for token, i in old.items()), f"{what}: all tokens, the base's at their ids")
    lost = [token for token in new if alone(united, token) != [vocab[token]]]
    lost += [token for token, i in old.items() if alone(base, token) == [i] and alone(united, token) != [i]]
    check(not lost, f"{what}: {len(new)} new tokens give their ids alone {lost[:5] or ''}")
    texts = [text for text in HELD if not any(token in text for token in new)]
    check(texts and all(alone(united, text) == alone(base, text) for text in texts), f"{what}: {len(texts)} texts are cut as by the base's")
    check(not (wrong := wrong_row(vocab, folders, old, other)), f"{what}: every row {wrong or ''}")


compare("merges ignored by both", bpe(ENGLISH, ignore_merges=True), bpe(CODE, ignore_merges=True))
compare("merges ignored by the base", bpe(ENGLISH, ignore_merges=True), bpe(CODE))
compare("merges ignored by the other", bpe(ENGLISH), bpe(CODE, ignore_merges=True))
compare("bytes that fall back", fallback(ENGLISH), fallback(CODE))
compare("WordPiece of other cases", wordpiece(ENGLISH), wordpiece(CODE, lowercase=False))
compare("added tokens within another", with_tokens(bpe(ENGLISH), "<a>", "<a><b>", "the end"), with_tokens(bpe(ENGLISH), "<b>", "<a><b><c>", "the ending", "<a"))
compare("added tokens with a common beginning", with_tokens(bpe(ENGLISH), "<|im|>"), with_tokens(bpe(ENGLISH), "<|im", "<|im|>|", "|>"))
compare("other flags", with_tokens(bpe(ENGLISH), AddedToken("<x>", special=True)), with_tokens(bpe(ENGLISH), AddedToken("<x>", normalized=True),
        AddedToken("<l>", lstrip=True), AddedToken("<r>", rstrip=True), AddedToken("word", single_word=True), AddedToken("Norm", normalized=True)))
compare("tokens of spaces", bpe(ENGLISH), with_tokens(bpe(CODE), "  ", "\n\n", "\t\t", " x "))
compare("tokens beyond ASCII", bpe(ENGLISH), with_tokens(bpe(CODE), "東京", "é", "\u00a0", "\U0001F600"))
compare("capitals under a normalizer", with_tokens(wordpiece(ENGLISH), "[USER]"),
        with_tokens(wordpiece(CODE), "[Bot]", "Upper", AddedToken("Lower", normalized=True)))
compare("bytes and pieces as added tokens", with_tokens(unigram(ENGLISH), "<a>"), with_tokens(unigram(CODE), "\u2581def", "<0x0A>"))
compare("tied heads", bpe(ENGLISH), bpe(CODE), tied=(True, True))
compare("one tied head", bpe(ENGLISH), bpe(CODE), tied=(False, True))
compare("padding", bpe(ENGLISH), bpe(CODE), padding=(20, 4))
for one, two in ("bpe", "unigram"), ("bpe", "wordpiece"), ("fallback", "bpe"), ("unigram", "bpe"), ("wordpiece", "fallback"):
    compare(f"{one} with {two}", globals()[one](ENGLISH), globals()[two](CODE))
end()
