#!/usr/bin/env bash
# torture.sh BUILD: the long form of every test, one step after the other. What was done is kept in BUILD/torture.state, so that the
# same command goes on where it was stopped; a step that failed is done again. Of another state of the sources all begins anew, as it
# does after `rm BUILD/torture.state`. FUZZ_SECONDS=600 of each fuzz target. Ends with `N passed, N failed`.
set -u
cd "$(dirname "$0")/.."
build=$1
state=$build/torture.state
logs=$build/torture
mkdir -p "$logs"
sources=$(find src include lua recipes tests -type f -not -path '*/data/*' -print0 | LC_ALL=C sort -z | xargs -0 cksum | cksum)
[ "$(head -n 1 "$state" 2> /dev/null)" = "$sources" ] || echo "$sources" > "$state"
export FUZZ_SECONDS=${FUZZ_SECONDS:-600}
passed=0 failed=0

step() { # NAME COMMAND...
  local name=$1 log=$logs/${1//[^a-z0-9]/-}.log begun=$SECONDS
  shift
  if grep -qxF "$name" "$state"; then
    echo "  done before: $name"
    passed=$((passed + 1))
  elif "$@" > "$log" 2>&1; then
    echo "$name" >> "$state"
    echo "  $name: passed ($((SECONDS - begun)) s)"
    passed=$((passed + 1))
  else
    echo "not ok: $name ($log)"
    tail -n 5 "$log" | sed 's/^/    /'
    failed=$((failed + 1))
  fi
}
trap 'echo "stopped; the same command goes on"; exit 130' INT TERM HUP

step "every test" tests/run.sh "$build"
for part in 1 2 3 4; do step "every call that may fail, part $part of 4" env PART="$part/4" MOONWELD="$PWD/$build/moonweld" tests/faults/run.sh all; done
step "both compilers, one digest" env CLANG="${CLANG-clang}" tests/run.sh "$build" golden
step "threads under the thread sanitizer" tests/run.sh "$build" races
step "the module under a Lua that checks" tests/run.sh "$build" apicheck
step "the build with sanitizers" make --no-print-directory -j"$(nproc)" SAN=1 all units
for suite in unit cli rules fuzz attacks spec reports; do step "with sanitizers: $suite" tests/run.sh build/san "$suite"; done
for target in tests/fuzz/fuzz_*.c; do
  target=$(basename "$target" .c)
  step "libFuzzer, $FUZZ_SECONDS s: $target" env SECONDS_EACH="$FUZZ_SECONDS" TARGETS="$target" tests/fuzz/run.sh long
done
step "memory that does not grow" tests/big/run.sh "$build/moonweld"
step "results of other programs" tests/peers/run.sh
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
