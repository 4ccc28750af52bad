#!/usr/bin/env bash
# run.sh BUILD [SUITE...]: runs suites with a coverage build (make coverage) and tells what they have executed, by gcov: lines, and
# branches that were taken, of every room; then of the parts that a merge's safety rests on, with the lines that nothing executed and
# those of whose branches some were never taken.
# A suite that fails in this build (it is slow, and its recipes' processes are not locked) is told of and changes nothing else.
set -u
cd "$(dirname "$0")/../.."
build=$1
shift
suites=${*:-unit cli spec reports attacks faults fuzz embed rules cluster}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ ! -x "$build/mpi/moonweld" ] || export MOONWELD_MPI=$PWD/$build/mpi/moonweld
tests/run.sh "$build" $suites > "$work/log"
tail -n 1 "$work/log"
grep -aE '^== .*, [1-9][0-9]* failed|^not ok|^(Failure|Error) -> ' "$work/log" | sed 's/^== /  with this build: /; t; s/^/    /'
objects=$(realpath "$build")
counts() { find "$objects/obj" "$objects"/mpi*/obj -name '*.gcda' -print0 2> /dev/null; } # a build with MPI has one object of its own
counts | xargs -0 gcov -b -n -r > "$work/sums" 2> /dev/null
counts | xargs -0 gcov -b -t -r > "$work/lines" 2> /dev/null
lua5.4 tests/coverage/summary.lua "$work"
