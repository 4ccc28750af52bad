#!/usr/bin/env bash
# run.sh [all]: calls of the system that go wrong, one at a time (faults.lua). Needs a preloaded library, so Linux with
# glibc, and a program without sanitizers.
set -u
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "${MOONWELD:-build/moonweld}" "$work/moonweld" # so that a long run outlives the next build
export LC_ALL=C
if [ "$(uname -s)" != Linux ] || ! ${CC:-cc} -std=gnu11 -D_GNU_SOURCE -O1 -shared -fPIC -o "$work/shim.so" tests/faults/shim.c -ldl -lpthread; then
  echo "skipped: no library can be preloaded here: faults"
  echo "0 passed, 0 failed"
  exit 0
fi
lua5.4 tests/faults/faults.lua "$work/moonweld" "$work/shim.so" "$work" "${1-}"
