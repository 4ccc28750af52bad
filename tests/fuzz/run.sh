#!/usr/bin/env bash
# run.sh [long]: the fuzz targets. As it is, every seed and RUNS (20000, of fuzz_ranks 2000) mutations of them, the same ones each time, in a few seconds;
# `long` builds them with clang's libFuzzer and its sanitizers into build/fuzz and runs each for SECONDS_EACH (60), or, where RUNS is set,
# with so many inputs. An input that was once a crash is kept among the seeds. TARGETS names some of them: "fuzz_json fuzz_text".
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

for source in tests/fuzz/fuzz_*.c; do
  target=$(basename "$source" .c)
  [[ -z ${TARGETS-} || " $TARGETS " = *" $target "* ]] || continue
  seeds=$(seeds_of "${target#fuzz_}")
  if [ "${1-}" = long ]; then
    limit=(-max_total_time="${SECONDS_EACH:-60}")
    [ -z "${RUNS-}" ] || limit=(-runs="$RUNS")
    work=build/fuzz/work/$target
    mkdir -p "$work/found" "$work/own"
    "$build/fuzz/$target" 0 --write "$work/own" $seeds > /dev/null
    make --no-print-directory -j"$(nproc)" BUILD=build/fuzz/objects CC=clang CFLAGS=-DMW_SELECT_DIGIT=6 KERNELS=-O1 \
      SANITIZE="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -Wno-pass-failed" \
      HARDEN= build/fuzz/objects/libfuzzer/"$target" || exit 1
    ASAN_OPTIONS=quarantine_size_mb=1 build/fuzz/objects/libfuzzer/"$target" "${limit[@]}" -max_len=4096 -reload=0 -rss_limit_mb=4096 -timeout=20 \
      -print_final_stats=1 -verbosity=0 -artifact_prefix="$work/" "$work/found" "$work/own" $seeds 2>&1 | tail -n 12
    code=${PIPESTATUS[0]}
  else
    [ "$target" = fuzz_ranks ] && each=2000 || each=20000 # that one runs passes over a model
    "$build/fuzz/$target" "${RUNS:-$each}" $seeds
    code=$?
  fi
  if [ "$code" = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "not ok: $target"; fi
done
echo "fuzz: $passed passed, $failed failed"
[ "$failed" = 0 ]
