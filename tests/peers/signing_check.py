"""The seal of an output is what OpenSSF Model Signing finds of the folder: the same digests, and the same root digest to be signed."""
import json, os, pathlib, subprocess, sys, tempfile

from model_signing import hashing
from model_signing._signing import signing

root = pathlib.Path(__file__).resolve().parents[2]
moonweld = os.environ.get("MOONWELD", str(root / "build/moonweld"))
pico = root / "tests/data/pico"


def digests(manifest):
    return sorted((d.identifier, d.digest.digest_hex) for d in manifest.resource_descriptors())


with tempfile.TemporaryDirectory() as folder:
    out = pathlib.Path(folder) / "sealed"
    subprocess.run([moonweld, "lerp", "--a", pico / "kjv", "--b", pico / "py", "-o", out, "--sha256", "--quiet"], check=True)
    seal = json.loads((out / "moonweld/seal.json").read_text())
    read = signing.dsse_payload_to_manifest(seal)  # refuses a root digest that the digests do not make
    ignored = [p for p in seal["predicate"]["serialization"]["ignore_paths"]]
    made = hashing.Config().set_ignored_paths(paths=ignored).set_allow_symlinks(True).hash(out)
    theirs = signing.Payload(made).statement.pb.subject[0].digest["sha256"]
    same = digests(read) == digests(made) and theirs == seal["subject"][0]["digest"]["sha256"]
print(("ok" if same else "not ok") + ": the seal has the digests of model_signing and its root digest")
sys.exit(not same)
