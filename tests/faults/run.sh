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
lua5.4 tests/faults/faults.lua "$work/moonweld" "$work/shim.so" "$work" "${1-}" > "$work/calls"
code=$?
sum=$(tail -n 1 "$work/calls")
head -n -1 "$work/calls"
# The power cuts are cases of the first part.
if [ "${PART:-1/1}" = 1/4 ] || [ "${PART:-1/1}" = 1/1 ]; then
  mkdir "$work/power"
  ${CC:-cc} -std=gnu11 -D_GNU_SOURCE -O1 -shared -fPIC -o "$work/power.so" tests/faults/power.c -ldl -lpthread &&
    lua5.4 tests/faults/power.lua "$work/moonweld" "$work/power.so" "$work/power" "${1-}" > "$work/cuts" || code=1
  head -n -1 "$work/cuts"
  sum=$(echo "$sum" "$(tail -n 1 "$work/cuts")" | awk '{ print $1 + $5 " passed, " $3 + $7 " failed" }')
fi
echo "$sum"
exit $code
