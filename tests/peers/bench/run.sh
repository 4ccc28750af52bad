#!/usr/bin/env bash
# run.sh [METHOD...]: moonweld beside mergekit (bench.py); skipped where mergekit is not there. See tests/peers/run.sh.
set -u
cd "$(dirname "$0")"
python=${PEERS_PYTHON:-python3}
if ! "$python" -c 'import torch, mergekit' 2>/dev/null; then
  echo "skipped: PEERS_PYTHON names no Python with torch and mergekit"
  exit 0
fi
exec "$python" bench.py "$@"
