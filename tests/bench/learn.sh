#!/usr/bin/env bash
# learn.sh PROGRAM [LAYERS]: runs the benchmark of learning in a folder of its own (0.8 GB while it runs). An exported core type
# of OpenBLAS would halve its speed on some machines, so it is not passed on.
set -eu
folder=$(mktemp -d "${TMPDIR:-/tmp}/moonweld-bench-XXXXXX")
trap 'rm -rf "$folder"' EXIT
env -u OPENBLAS_CORETYPE -u OPENBLAS_NUM_THREADS "$1" "$folder" "${@:2}"
