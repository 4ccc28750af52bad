#!/usr/bin/env bash
# run.sh [METHOD...]: moonweld beside mergekit (bench.py). run.sh learn: a step of DAM beside plain torch (learn.py). run.sh matrices: TSV-M
# and Iso-C beside torch (matrices.py). Skipped where these are not there. See tests/peers/run.sh.
set -u
cd "$(dirname "$0")"
python=${PEERS_PYTHON:-python3}
script=bench.py needs="torch, mergekit"
if [ "${1-}" = learn ] || [ "${1-}" = matrices ]; then
  script=$1.py needs="torch, safetensors"
  shift
fi
if ! "$python" -c "import $needs" 2>/dev/null; then
  echo "skipped: PEERS_PYTHON names no Python with $needs"
  exit 0
fi
exec "$python" "$script" "$@"
