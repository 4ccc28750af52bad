#!/usr/bin/env bash
# run.sh [SCRIPT...]: the peer checks: torch, transformers and mergekit compute the same; diffusers and sentence-transformers load what
# they should. They need a Python that has them:
#   python3 -m venv VENV && VENV/bin/pip install torch==2.13.0 && VENV/bin/pip install torch==2.13.0 mergekit transformers safetensors
#   PEERS_PYTHON=VENV/bin/python tests/peers/run.sh
# Without one they are skipped, and that of llama.cpp's converter where LLAMA_CPP names no checkout of it; they are never part of `make test`.
set -u
cd "$(dirname "$0")"
python=${PEERS_PYTHON:-python3}
if ! "$python" -c 'import torch, transformers, safetensors' 2>/dev/null; then
  echo "skipped: PEERS_PYTHON names no Python with torch, transformers and safetensors"
  exit 0
fi
failed=0
all="torch_check.py losses.py matrices_check.py methods_check.py recent_check.py newer_check.py stack_check.py moe_check.py loading_check.py vocabulary_check.py union_check.py
  mergekit_check.py mergekit_files_check.py mergekit_moe_check.py diffusers_check.py sentence_check.py signing_check.py peft_check.py llamacpp_check.py"
for script in ${*:-$all}; do
  case $script in # what it needs beside torch and transformers
    mergekit_check.py | mergekit_files_check.py | mergekit_moe_check.py) module=mergekit ;;
    diffusers_check.py) module=diffusers ;;
    peft_check.py) module=peft ;;
    sentence_check.py) module=sentence_transformers ;;
    signing_check.py) module=model_signing ;;
    *) module=torch ;;
  esac
  if ! "$python" -c "import $module" 2>/dev/null; then
    echo "skipped: $module is not there"
    continue
  fi
  echo "== $script"
  "$python" "$script" || failed=1
done
exit $failed
