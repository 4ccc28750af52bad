#!/usr/bin/env bash
# run.sh: the benchmarks themselves, at a size at which their figures mean nothing: each ends well, and prints its rows with figures.
set -u
cd "$(dirname "$0")/../.."
build=${MOONWELD_BUILD:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
bench() { # WHAT ROWS PATTERN COMMAND...: it prints so many rows at least that are like PATTERN
  local what=$1 rows=$2 pattern=$3 found=none
  shift 3
  if TMPDIR=$work "$@" > "$work/said" 2>&1 && found=$(grep -cE "$pattern" "$work/said") && [ "$found" -ge "$rows" ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "not ok: $what: of $rows rows $found"
    cat "$work/said"
  fi
}
figure='[0-9]\.[0-9]+'
make --no-print-directory -s "$build"/bench/{kernels,learn,matrix} || exit 1
# One row is a difference, which at this size may be less than nothing.
bench "merges beside the cheapest program" 34 "$figure .* (good|within|OVER)$" env MIB=4 ROUNDS=1 tests/bench/bench.sh "$build/moonweld"
bench "every kernel" 60 " $figure +$figure" "$build/bench/kernels"
bench "learning" 2 "$figure s .* %$" tests/bench/learn.sh "$build/bench/learn" 2
bench "functions of whole matrices" 4 " [0-9.]+ +[0-9.]+$" "$build/bench/matrix" 128 1
bench "methods" 2 " $figure +[0-9.-]+ +[0-9.-]+$" tests/bench/methods.sh "$build/moonweld" '^(soup|kjv)'
if make --no-print-directory -s MPI=1 all > "$work/said" 2>&1; then
  bench "one merge by several processes" 8 "(thread|threads|start|steps) +[0-9.]+ +[0-9.]+ +[0-9.]+ " env MIB=16 ROUNDS=1 STEPS=1 tests/bench/cluster.sh "$build/moonweld" build/mpi/moonweld
else
  echo "skipped: MPI is not here (make deps MPI=1): the benchmark of several processes"
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
