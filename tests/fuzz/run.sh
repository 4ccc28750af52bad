#!/usr/bin/env bash
# run.sh [long]: the fuzz targets. As it is, every seed and RUNS (20000, of slow ones 2000) mutations of them, the same ones each time, in a few seconds.
# `long` is libFuzzer's, with two builds by clang: `lean` counts what code is executed, and nothing else slows it down; `sanitized` has the address and
# undefined-behaviour sanitizers and also follows comparisons. They take turns at one collection of inputs, which the sanitized one reads anew each time:
# so each input that led to anything new was run with the sanitizers. They run SECONDS_EACH (60) of each target, half of it each. Where RUNS is
# set, they run until each target has had so many inputs, those of earlier starts included, SANITIZED (1) in a hundred of them with the
# sanitizers; SECONDS_EACH is then the most for one start. What was done is kept every four minutes in build/fuzz/work/TARGET/{lean,sanitized},
# so that the same command goes on where it was stopped.
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

compile() { # BUILD TARGET SANITIZE [WORD]
  local words=(--no-print-directory BUILD="build/fuzz/$1" CC=clang CFLAGS="-DMW_SELECT_DIGIT=6 -DMW_GRAPH_MOST=16384" KERNELS=-O1
    SANITIZE="$3 -Wno-pass-failed" ${4+"$4"} "build/fuzz/$1/libfuzzer/$2")
  make -q "${words[@]}" 2> /dev/null || make -j"$(nproc)" "${words[@]}" || exit 1
}

# Runs a target for some time, and at most until it has had so many inputs in all; adds what it had to its count. With none left to run it
# still runs what was collected.
slice() { # lean|sanitized TARGET SECONDS RUNS|- SEED...
  local kind=$1 target=$2 most=$3 runs=$4 work=build/fuzz/work/$2 longest=4096 count schedule=1 limit=() code ran
  shift 4
  count=$(count_of "$kind" "$target")
  [ "$runs" = - ] || limit=(-runs=$((runs > count ? runs - count : 0)))
  # Weighing inputs by their features costs libFuzzer more than the runs of the lean build do, and as much as those of fuzz_ranks, which is slow.
  if [ "$kind" = lean ] || [ "$target" = fuzz_ranks ]; then schedule=0; fi
  [ "$target" != fuzz_text ] || longest=700 # words and globs of at most 600 bytes, of which all is looked at byte by byte
  # Memory that a run gives back stays with the process, so that the next one need not be given zeroed pages.
  MALLOC_TRIM_THRESHOLD_=268435456 MALLOC_MMAP_THRESHOLD_=268435456 ASAN_OPTIONS=quarantine_size_mb=1:malloc_context_size=2 \
    "build/fuzz/$kind/libfuzzer/$target" -max_total_time="$most" "${limit[@]}" -max_len="$longest" -reload=0 -entropic="$schedule" -print_funcs=0 \
    -rss_limit_mb=4096 -timeout=300 -print_final_stats=1 -verbosity=0 -artifact_prefix="$work/" "$work/found" "$work/own" "$@" > "$work/log" 2>&1
  code=$?
  ran=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log")
  echo $((count + ${ran:-0})) > "$work/$kind"
  return "$code"
}

count_of() { # lean|sanitized TARGET
  local count=0
  [ ! -f "build/fuzz/work/$2/$1" ] || read -r count < "build/fuzz/work/$2/$1"
  echo "$count"
}

# Runs a target of libFuzzer, slice by slice.
long() { # TARGET SEED...
  local target=$1 work=build/fuzz/work/$1 left=${SECONDS_EACH:-} share=${SANITIZED:-1} lean=0 sanitized=0 due=- wanted=- code=0 begun most remaining
  shift
  [ -n "$left" ] || [ -n "${RUNS-}" ] || left=60
  [ -z "${RUNS-}" ] || wanted=$((RUNS - RUNS * share / 100))
  mkdir -p "$work/found" "$work/own"
  "$build/fuzz/$target" 0 --write "$work/own" "$@" > /dev/null
  compile lean "$target" "-fsanitize-coverage=inline-8bit-counters,pc-table"
  compile sanitized "$target" "-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined" HARDEN=
  begun=$SECONDS
  while [ "$code" = 0 ]; do
    most=240
    if [ -n "$left" ]; then
      remaining=$((left - SECONDS + begun))
      [ "$wanted" != - ] || remaining=$(((remaining + 1) / 2)) # for each build
      [ "$remaining" -ge "$most" ] || most=$remaining
      [ "$most" -gt 0 ] || break
    fi
    if [ "$wanted" = - ] || [ "$(count_of lean "$target")" -lt "$wanted" ]; then slice lean "$target" "$most" "$wanted" "$@" || code=$?; fi
    lean=$(count_of lean "$target")
    [ "$wanted" = - ] || due=$((lean * share / (100 - share)))
    [ "$code" != 0 ] || slice sanitized "$target" "$most" "$due" "$@" || code=$?
    sanitized=$(count_of sanitized "$target")
    if [ "$wanted" != - ] && [ "$lean" -ge "$wanted" ] && [ "$sanitized" -ge "$due" ]; then break; fi
  done
  [ "$code" = 0 ] || tail -n 40 "$work/log"
  echo "$target: $((lean + sanitized)) runs${RUNS:+ of $RUNS}, $sanitized of them with sanitizers; $(find "$work/found" -type f | wc -l) inputs kept;" \
    "$((SECONDS - begun)) s this time"
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
    each=20000
    case $target in fuzz_ranks | fuzz_mergekit) each=2000 ;; esac # passes over a model, and Lua
    "$build/fuzz/$target" "${RUNS:-$each}" $seeds
    code=$?
  fi
  if [ "$code" = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "not ok: $target"; fi
done
echo "fuzz: $passed passed, $failed failed"
[ "$failed" = 0 ]
