#!/usr/bin/env bash
# run.sh [long]: the fuzz targets. As it is, every seed and RUNS (20000, of fuzz_ranks 2000) mutations of them, the same ones each time, in a few seconds.
# `long` builds them with clang's libFuzzer and its sanitizers into build/fuzz and runs each for SECONDS_EACH (60). Where RUNS is set, it
# runs each until it has had so many inputs, those of earlier starts included: what was done is kept every five minutes in
# build/fuzz/work/TARGET/runs, so that the same command goes on where it was stopped (SECONDS_EACH is then the most for one start).
# An input that was once a crash is kept among the seeds. TARGETS names some of them: "fuzz_json fuzz_text".
set -u
cd "$(dirname "$0")/../.."
build=${MOONWELD_BUILD:-build}
passed=0 failed=0

seeds_of() { # TARGET
  case $1 in
    safetensors) echo tests/data/corpus ;;
    *) [ -d "tests/fuzz/seeds/$1" ] && echo "tests/fuzz/seeds/$1" ;;
  esac
}

# Runs a target of libFuzzer, slice by slice.
long() { # TARGET SEED...
  local target=$1 work=build/fuzz/work/$1 left=${SECONDS_EACH:-} so_far=0 code=0 longest=4096 slice ran limit begun schedule
  shift
  schedule=1
  # This one is slow, and its many features cost libFuzzer as much again to weigh.
  [ "$target" != fuzz_ranks ] || schedule=0
  [ "$target" != fuzz_text ] || longest=700 # words and globs of at most 600 bytes, of which all is looked at byte by byte
  [ -n "$left" ] || [ -n "${RUNS-}" ] || left=60
  mkdir -p "$work/found" "$work/own"
  "$build/fuzz/$target" 0 --write "$work/own" "$@" > /dev/null
  make --no-print-directory -j"$(nproc)" BUILD=build/fuzz/objects CC=clang CFLAGS=-DMW_SELECT_DIGIT=6 KERNELS=-O1 \
    SANITIZE="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -Wno-pass-failed" \
    HARDEN= build/fuzz/objects/libfuzzer/"$target" || exit 1
  begun=$SECONDS
  [ ! -f "$work/runs" ] || read -r so_far < "$work/runs"
  while [ "$code" = 0 ]; do
    slice=300 limit=()
    if [ -n "$left" ]; then
      [ "$((left - SECONDS + begun))" -gt "$slice" ] || slice=$((left - SECONDS + begun))
      [ "$slice" -gt 0 ] || break
    fi
    if [ -n "${RUNS-}" ]; then
      [ "$so_far" -lt "$RUNS" ] || break
      limit=(-runs=$((RUNS - so_far)))
    fi
    ASAN_OPTIONS=quarantine_size_mb=1:malloc_context_size=2 "build/fuzz/objects/libfuzzer/$target" -max_total_time="$slice" "${limit[@]}" -max_len="$longest" \
      -reload=0 -entropic="$schedule" -rss_limit_mb=4096 -timeout=20 -print_final_stats=1 -verbosity=0 -artifact_prefix="$work/" "$work/found" "$work/own" "$@" > "$work/log" 2>&1
    code=$?
    ran=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log")
    so_far=$((so_far + ${ran:-0}))
    echo "$so_far" > "$work/runs"
  done
  [ "$code" = 0 ] || tail -n 40 "$work/log"
  echo "$target: $so_far runs${RUNS:+ of $RUNS}, $(find "$work/found" -type f | wc -l) inputs kept, $((SECONDS - begun)) s this time"
  return "$code"
}

for source in tests/fuzz/fuzz_*.c; do
  target=$(basename "$source" .c)
  [[ -z ${TARGETS-} || " $TARGETS " = *" $target "* ]] || continue
  seeds=$(seeds_of "${target#fuzz_}")
  if [ "${1-}" = long ]; then
    long "$target" $seeds
    code=$?
  else
    [ "$target" = fuzz_ranks ] && each=2000 || each=20000 # that one runs passes over a model
    "$build/fuzz/$target" "${RUNS:-$each}" $seeds
    code=$?
  fi
  if [ "$code" = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "not ok: $target"; fi
done
echo "fuzz: $passed passed, $failed failed"
[ "$failed" = 0 ]
