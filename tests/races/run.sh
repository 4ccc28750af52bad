#!/usr/bin/env bash
# run.sh: no two threads meet in one place of memory without an order: merges and a training with three threads under
# ThreadSanitizer. Archer tells it the order that OpenMP gives; gcc's OpenMP has nothing of that kind, so it takes clang.
# Two programs of four lines prove that both work here: one with a race, one whose race is mended.
set -u
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
pico=tests/data/pico
passed=0 failed=0
clang=${CLANG-clang}
flags=(-O1 -fsanitize=thread -fopenmp)
export LC_ALL=C TSAN_OPTIONS="ignore_noninstrumented_modules=1 exitcode=66"
plain=() # a kernel that scatters addresses widely leaves the sanitizer no room
setarch -R true 2> "$work/errors" && plain=(setarch -R)

skip() { echo "skipped: $1: races"; echo "0 passed, 0 failed"; exit 0; }

check() { # WHAT CODE COMMAND...
  local what=$1 expected=$2 code
  shift 2
  timeout 300 "${plain[@]}" "$@" > "$work/text" 2>&1
  code=$?
  if [ "$code" = "$expected" ]; then passed=$((passed + 1)); else
    failed=$((failed + 1))
    echo "not ok: $what: ended with $code, not $expected"
    head -n 40 "$work/text" | sed 's/^/    /'
  fi
}

command -v "$clang" > "$work/text" || skip "$clang is not here"
for order in "" "#pragma omp critical"; do
  printf '%s\n' "int main(void) { int x = 0;" "#pragma omp parallel num_threads(3)" "{" "$order" "x++; }" "return x == 0; }" > "$work/x.c"
  "$clang" "${flags[@]}" -o "$work/x${order:+_ordered}" "$work/x.c" 2> "$work/errors" || skip "no program with ThreadSanitizer can be built"
done
OMP_TOOL_LIBRARIES=$(dirname "$(realpath "$(ldd "$work/x" | grep -oE '/[^ ]*libomp[^ ]*')")")/libarcher.so
[ -e "$OMP_TOOL_LIBRARIES" ] || skip "OpenMP's archer is not here"
export OMP_TOOL_LIBRARIES
check "a race" 66 "$work/x"
check "no race" 0 "$work/x_ordered"

make --no-print-directory -j"$(nproc)" BUILD=build/races CC="$clang" OPTIMISE="${flags[*]} -DMW_SANITIZED" LDFLAGS=-fsanitize=thread \
  build/races/moonweld > "$work/text" 2>&1 || { tail -n 20 "$work/text"; echo "0 passed, 1 failed"; exit 1; }
run() { check "$1" 0 build/races/moonweld "$@" --threads 3 --quiet --force -o "$work/out"; }
seq -s, 1 64 | sed 's/.*/[&]/' > "$work/ids.jsonl"
pair="--a $pico/kjv --b $pico/py" family="--base $pico/base --experts $pico/kjv $pico/py $pico/man"
# shellcheck disable=SC2086
for sample in 1000000000 0; do
  export MOONWELD_SAMPLE=$sample # all or nothing is guessed from a sample
  run lerp $pair
  run slerp $pair
  run ties $family
  run ties $family --per tensor --count exact
  run dare_ties $family --density 0.5
  run m3 --models $pico/kjv $pico/py
done
data=$work/ids.jsonl
run dam --experts $pico/kjv $pico/py --data "$data" "$data" --steps 3
run learned_soup --models $pico/kjv $pico/py --data "$data" --by tensor --steps 3
run greedy_soup --models $pico/kjv $pico/py --score "loss:$data"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
