"""Tokenizers altered at random give the ids of their references: the tokenizers library for tokenizer.json, SentencePiece
for tokenizer.model. What moonweld refuses by name (exit code 69) or the reference cannot do is counted and passed over.

    python3 -m venv VENV && VENV/bin/pip install tokenizers==0.22.2 sentencepiece==0.2.3 protobuf
    VENV/bin/python tests/peers/tokenizers_check.py [ROUNDS] [SEED]
"""
import json
import os
import random
import subprocess
import sys
import tempfile

try:
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2
    from tokenizers import Tokenizer
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(0)

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
PROGRAM = os.environ.get("MOONWELD", os.path.join(ROOT, "build", "moonweld"))
DATA = os.path.join(ROOT, "tests", "data", "tokenizers")
rounds, seed = (int(word) for word in (sys.argv[1:] + ["200", "1"][len(sys.argv) - 1:])[:2])
chance = random.Random(seed)
counts = {"passed": 0, "failed": 0, "refused": 0, "not there": 0}

with open(os.path.join(DATA, "texts.jsonl"), encoding="utf-8") as lines:
    TEXTS = [json.loads(line)["text"] for line in lines][:1000]
ATOMS = [" ", "  ", "\n", "\r\n", "\t", "a", "b", "the", " the", "1", "23", "\uff14", "\u00b2", "\u00e9", "e\u0301", "\u0301", "\u00a0", "\u3000",
         "\u2028", "\u200b", "\u180e", "x.y", "...", "!", "-", "_", "$", "<s>", "</s>", "<|endoftext|>", "\u6f22\u5b57", "\ud55c", "\U0001f642",
         "\u0085", "\u2581", "\u2581\u2581", "\u017f", "'s", "'S", "'\u017f", "\u0870", "\U00010d70", "\U00011935\U00011930", "\u11a7", "\x00"]
BEHAVIORS = ["Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous"]
REGEXES = ["\\p{L}+", "\\s+", "\\p{N}{1,3}", "[^\\s\\p{L}]", "(?i:'s|'t|'re)", " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*", "\\s+$", "[\u4e00-\u9fa5\uac00-\ud7ff]+",
           "(?=\\p{N})", "(?<=a)", "x*", "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+", "[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++", ".",
           "\\S+", "[\\S]", "\\P{L}", "[a-c\\s-]+", "(?:ab|a)+", "\\p{S}|\\p{P}", "\\p{M}+", "(?!a)\\p{L}+?", "a{2,3}?", "\\x{41}|\\u0042", "(?>a|ab)c?"]


def text():
    kind = chance.random()
    if kind < 0.2:
        return chance.choice(TEXTS)[:300]
    if kind < 0.35:
        return "".join(chr(chance.choice([chance.randrange(0x20, 0x3000), chance.randrange(0x3000, 0xd800), chance.randrange(0xe000, 0x20000)]))
                       for _ in range(chance.randrange(1, 20)))
    return "".join(chance.choice(ATOMS) for _ in range(chance.randrange(14)))


def pattern():
    return {"Regex": chance.choice(REGEXES)} if chance.random() < 0.8 else {"String": chance.choice([" ", "a", "\u2581", "the"])}


def pre_tokenizer():
    return chance.choice([
        {"type": "Split", "pattern": pattern(), "behavior": chance.choice(BEHAVIORS), "invert": chance.random() < 0.25},
        {"type": "Split", "pattern": pattern(), "behavior": "Isolated", "invert": False},
        {"type": "Digits", "individual_digits": chance.random() < 0.5}, {"type": "WhitespaceSplit"},
        {"type": "CharDelimiterSplit", "delimiter": chance.choice("a .")},
        {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": chance.choice(["always", "first", "never"]), "split": chance.random() < 0.5},
        {"type": "ByteLevel", "add_prefix_space": chance.random() < 0.5, "trim_offsets": True, "use_regex": chance.random() < 0.5}])


def normalizer():
    return chance.choice([{"type": "NFC"}, {"type": "Prepend", "prepend": chance.choice(["\u2581", " ", "xy"])},
                          {"type": "Replace", "pattern": pattern(), "content": chance.choice(["", " ", "\u2581", "zz"])}])


def altered():
    """One of the carried tokenizers with other parts."""
    with open(os.path.join(DATA, chance.choice(["gpt2", "llama3", "qwen2", "llama2", "llama2-prepend"]), "tokenizer.json"), encoding="utf-8") as file:
        whole = json.load(file)
    model, added = whole["model"], whole["added_tokens"]
    if chance.random() < 0.8:
        whole["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [pre_tokenizer() for _ in range(chance.randrange(1, 4))]}
    if chance.random() < 0.5:
        whole["normalizer"] = {"type": "Sequence", "normalizers": [normalizer() for _ in range(chance.randrange(1, 3))]}
    if chance.random() < 0.4:
        for token in added:
            token.update(lstrip=chance.random() < 0.4, rstrip=chance.random() < 0.4, normalized=chance.random() < 0.5)
    if chance.random() < 0.3:
        model.update(ignore_merges=chance.random() < 0.5, byte_fallback=chance.random() < 0.5, fuse_unk=chance.random() < 0.5,
                     unk_token=chance.choice([None, next(iter(model["vocab"])), "a"]))
    if chance.random() < 0.2:
        model["merges"].append(chance.choice(model["merges"]))
    return whole


def altered_model():
    """The carried SentencePiece model with other scores, types and settings."""
    model = sentencepiece_model_pb2.ModelProto()
    with open(os.path.join(DATA, "llama2", "tokenizer.model"), "rb") as file:
        model.ParseFromString(file.read())
    for piece in chance.sample(list(model.pieces)[300:], 200):
        piece.score = chance.choice([-1e9, 0, -5, -100.5, 1e30, float("-inf")])
    for piece in chance.sample([p for p in model.pieces if p.type == 1], 12):
        piece.type = 4
    model.normalizer_spec.add_dummy_prefix = chance.random() < 0.7
    model.normalizer_spec.escape_whitespaces = chance.random() < 0.8
    return model


def compare(path, expected):
    texts = [text() for _ in range(40)]
    lines = "".join(json.dumps({"text": one}) + "\n" for one in texts)
    run = subprocess.run([PROGRAM, "tokenize", path, "--plain"], input=lines, capture_output=True, text=True, check=False)
    if run.returncode:
        counts["refused" if run.returncode in (65, 69) else "failed"] += 1
        return
    for one, found in zip(texts, run.stdout.splitlines()):
        try:
            wanted = expected(one)
        except BaseException:  # the reference's own panics are no exceptions
            counts["not there"] += 1
            continue
        counts["passed" if json.loads(found) == wanted else "failed"] += 1
        if json.loads(found) != wanted:
            print(f"not ok: {one!r}: found {found}, expected {wanted}; see {path}")


folder = tempfile.mkdtemp(prefix="moonweld-peers-")
for number in range(rounds):
    path = os.path.join(folder, f"{number}.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(altered(), file)
    try:
        reference = Tokenizer.from_file(path)
    except BaseException:
        counts["not there"] += 1
        continue
    failed = counts["failed"]
    compare(path, lambda one: reference.encode(one, add_special_tokens=False).ids)
    if counts["failed"] == failed:
        os.remove(path)
for number in range(rounds // 4):
    path = os.path.join(folder, f"{number}.model")
    with open(path, "wb") as file:
        file.write(altered_model().SerializeToString())
    reference = sentencepiece.SentencePieceProcessor(model_file=path)
    failed = counts["failed"]
    compare(path, reference.encode)
    if counts["failed"] == failed:
        os.remove(path)
if not os.listdir(folder):
    os.rmdir(folder)
print(f"{counts['refused']} tokenizers refused by name, {counts['not there']} cases that the reference has no answer for")
print(f"{counts['passed']} passed, {counts['failed']} failed")
sys.exit(counts["failed"] > 0)
