#!/usr/bin/env bash
# golden: one digest for every recipe, whatever the threads, tile size and instruction set, and with gcc and clang: where
# CLANG names a second compiler it builds a program of its own, without a warning, and that one is held against the same
# digests. A changed digest is a changed promise: see "Changed result bits" in the change log.
set -u
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
pico=tests/data/pico
programs=${MOONWELD:-build/moonweld}

second_build() {
  local log=$work/build.log
  if make --no-print-directory -j"$(nproc)" BUILD=build/clang CC="$CLANG" all > "$log" 2>&1 && ! grep -q 'warning:' "$log"; then
    passed=$((passed + 1))
    programs="$programs build/clang/moonweld"
  else
    failed=$((failed + 1))
    echo "the build with $CLANG failed or warned:"
    grep -A 4 -E 'warning:|error:' "$log" | head -n 20
  fi
}

if [ -n "${CLANG-}" ]; then
  if command -v "$CLANG" > /dev/null; then second_build; else echo "$CLANG is not here: its digests are skipped"; fi
fi
isas=base
grep -q avx2 /proc/cpuinfo 2>/dev/null && isas="$isas avx2"
grep -q avx512vl /proc/cpuinfo 2>/dev/null && isas="$isas avx512"

digest() { # PROGRAM THREADS TILE ISA ARGUMENTS...
  local program=$1 threads=$2 tile=$3 isa=$4
  shift 4
  rm -rf "$work/out"
  # Large tiles come with selections that guess from a sample, as those over large models do.
  MOONWELD_SAMPLE=$([ "$tile" -ge 4096 ] && echo 0) MOONWELD_TILE=$tile MOONWELD_ISA=$isa "$program" "$@" --threads "$threads" --quiet -o "$work/out" || echo failed
  sha256sum < "$work/out/model.safetensors" | cut -c1-64
}

while read -r name expected arguments; do
  case $name in ''|'#'*) continue ;; esac
  for program in $programs; do
    for setting in "1 1024" "2 1024" "3 4096" "8 32768"; do
      for isa in $isas; do
        # shellcheck disable=SC2086
        found=$(digest "$program" $setting "$isa" $arguments)
        if [ "$found" = "$expected" ]; then passed=$((passed + 1)); else
          failed=$((failed + 1))
          echo "$name: $program, threads and tile $setting, $isa: found $found, expected $expected"
        fi
      done
    done
  done
done < <(sed "s|PICO|$pico|g" tests/golden/digests)
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
