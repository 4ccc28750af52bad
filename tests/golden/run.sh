#!/usr/bin/env bash
# golden: one digest for every recipe, whatever the threads, tile size and instruction set, and with gcc and clang: where
# CLANG names a second compiler, it builds a program of its own, without a warning, and that one is held against the digests.
# A changed digest is a changed promise: see "Changed result bits" in the change log.
set -u
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
. tests/part.sh
program=${MOONWELD:-build/moonweld}

if [ -n "${CLANG-}" ]; then
  command -v "$CLANG" > /dev/null || { echo "skipped: $CLANG is not here: its digests"; echo "0 passed, 0 failed"; exit 0; }
  if make --no-print-directory -j"$(nproc)" BUILD=build/clang CC="$CLANG" all > "$work/log" 2>&1 && ! grep -q 'warning:' "$work/log"; then
    passed=1 program=build/clang/moonweld
  else
    echo "the build with $CLANG failed or warned:"
    grep -A 4 -E 'warning:|error:' "$work/log" | head -n 20
    echo "0 passed, 1 failed"
    exit 1
  fi
fi
settings=("1 1024" "8 32768") # threads and tile; the second compiler is tried with more
[ -z "${CLANG-}" ] || settings+=("2 1024" "3 4096")
isas=base
for isa in avx2 avx512; do
  MOONWELD_ISA=$isa "$program" --version | grep -qx "kernels: $isa" && isas="$isas $isa"
done

digest() { # THREADS TILE ISA ARGUMENTS...
  local threads=$1 tile=$2 isa=$3
  shift 3
  rm -rf "$work/out"
  # Large tiles come with selections that guess from a sample, as those over large models do.
  MOONWELD_SAMPLE=$([ "$tile" -ge 4096 ] && echo 0) MOONWELD_TILE=$tile MOONWELD_ISA=$isa "$program" "$@" --threads "$threads" --quiet -o "$work/out" || echo failed
  sha256sum < "$work/out/model.safetensors" | cut -c1-64
}

while read -r name expected arguments; do
  case $name in ''|'#'*) continue ;; esac
  mine || continue
  bad=0
  for setting in "${settings[@]}"; do
    for isa in $isas; do
      # shellcheck disable=SC2086
      found=$(digest $setting "$isa" $arguments)
      [ "$found" = "$expected" ] && continue
      bad=1
      echo "$name: $program, threads and tile $setting, $isa: found $found, expected $expected"
    done
  done
  if [ $bad = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
done < <(sed "s|PICO|tests/data/pico|g" tests/golden/digests)
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
