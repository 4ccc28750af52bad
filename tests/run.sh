#!/usr/bin/env bash
# run.sh BUILD [SUITE...]: runs the suites side by side, JOBS at once (as many as there are cores) and one more, since some
# wait for time to pass, and adds up what they say.
# A suite is a name of the list below, one file of tests/unit, spec or reports, or a folder of tests with a run.sh. Large ones run
# as several jobs, each with a part of the cases (part.sh). A job ends with a line `N passed, N failed`; one that does not, or
# that ends badly without naming a failure, counts as one failure itself. A line `skipped: WHAT` tells of what it could not test.
# What a job said is shown where it failed, or with V=1; jobs are told in the order of the list, whichever ends first.
set -um # -m: each job has a process group of its own, which a signal ends as a whole
cd "$(dirname "$0")/.."
build=$1
shift
suites=${*:-spec reports attacks faults cluster golden contributing unit cli embed rules fuzz docs floors lint}
export MOONWELD="$PWD/$build/moonweld" LUA_CPATH="$PWD/$build/?.so;;" MOONWELD_BUILD="$build"
# Threads that wait for each other sleep: a machine that runs tests has more to do than cores.
export OMP_WAIT_POLICY=passive
# Ubuntu 22.04 has not all of busted for Lua 5.4: what is plain Lua of 5.3 does as well.
busted=(busted --lua=lua5.4 --output=plainTerminal)
lua5.4 -e 'require "busted.core"' 2> /dev/null ||
  busted=(env LUA_PATH="tests/busted/?.lua;/usr/share/lua/5.3/?.lua;/usr/share/lua/5.3/?/init.lua;;" "${busted[@]}")

# ---- the jobs ----

names=() commands=()
job() { # NAME COMMAND...
  names+=("$1")
  shift
  commands+=("$(printf '%q ' "$@")")
}
parts() { # COUNT NAME COMMAND...
  local count=$1 name=$2 k
  shift 2
  for ((k = 1; k <= count; k++)); do job "$name $k/$count" env PART="$k/$count" "$@"; done
}
plan() { # SUITE
  local file name=${1#tests/}
  name=${name%.*}
  case $1 in
    unit)               for file in tests/unit/test_*.c; do plan "$file"; done ;;
    spec|reports)       for file in "tests/$1/"*_spec.lua; do plan "$file"; done ;;
    tests/unit/*.c)     job "$name" "$build/$name" ;;
    tests/*_spec.lua)   job "$name" "${busted[@]}" "$1" ;;
    attacks|cli|faults) parts 4 "$1" "tests/$1/run.sh" ;;
    cluster)            parts 3 cluster tests/cluster/run.sh ;;
    cluster-all)        job "cluster, every number of processes" env COUNTS=all tests/cluster/run.sh ;;
    faults-all)         parts 16 "faults, every call" tests/faults/run.sh all ;;
    golden)             [ -z "${CLANG-}" ] || job "golden, $CLANG" tests/golden/run.sh
                        parts 2 golden env CLANG= tests/golden/run.sh ;;
    lint|docs)          job "$1" "tests/$1.sh" ;;
    floors)             job floors lua5.4 tests/floors.lua "$build" ;;
    *)                  job "$1" "tests/$1/run.sh" ;;
  esac
}
for suite in $suites; do plan "$suite"; done

# ---- running them ----

# Folders of tests lie in memory where it has 4 GiB for them: on a disk, tests wait for it most of the time.
in_memory() {
  local left
  left=$(df -k --output=avail /dev/shm 2> /dev/null | tail -n 1)
  [ -z "${TMPDIR-}" ] && [ "${left:-0}" -gt 4194304 ] && ! grep -q ' /dev/shm .*noexec' /proc/mounts
}
if in_memory; then export TMPDIR=/dev/shm; fi
work=$(mktemp -d)
[ "${TMPDIR-}" != /dev/shm ] || { chmod 755 "$work" && TMPDIR=$work; } # some tests are run as another user
: > "$work/skipped"
declare -A running=() started=() # process: its job
trap 'rm -rf "$work"' EXIT
stop() {
  local process
  exec 2> /dev/null # the shell tells of each job that was ended
  for process in "${!running[@]}"; do kill -- "-$process"; done
  wait # they clean up first: what they mounted, for example
  exit 130
}
trap stop INT TERM HUP
passed=0 failed=0 told=0

# Shows what a job said, and adds its sum.
tell() { # JOB
  local log=$work/$1.log name=${names[$1]} code good bad sum
  read -r code seconds < "$work/$1.end"
  # busted words its sum in its own way.
  sum=$(sed -E 's/^.*: ([0-9]+ passed, [0-9]+ failed)$/\1/; s/^(.*[^0-9])?([0-9]+) success(es)? \/ ([0-9]+) failures? \/ ([0-9]+) errors?.*$/\2 passed, \4+\5 failed/' "$log" |
    grep -aE '^[0-9]+ passed, [0-9+]+ failed$' | tail -n 1)
  good=0 bad=1
  if [ -z "$sum" ]; then sum="ended with $code and no sum"
  else
    good=${sum%% passed*} bad=${sum#*, } bad=$((${bad% failed}))
    if [ "$code" != 0 ] && [ "$bad" = 0 ]; then bad=1 sum="$good passed, exit code $code"
    else sum="$good passed, $bad failed"; fi
  fi
  printf '== %s: %s (%d s)\n' "$name" "$sum" "$seconds"
  if [ "$bad" != 0 ] || [ -n "${V-}" ]; then cat "$log"; fi
  # What two jobs could not test for one reason is told once.
  grep -a '^skipped: ' "$log" | grep -vxFf "$work/skipped" >> "$work/skipped"
  passed=$((passed + good)) failed=$((failed + bad))
}

# Waits for a job to end, and tells all those whose turn has come.
await() {
  local process code
  wait -n -p process
  code=$?
  echo "$code $((SECONDS - started[$process]))" > "$work/${running[$process]}.end"
  unset "running[$process]"
  while [ -f "$work/$told.end" ]; do tell "$told"; told=$((told + 1)); done
}

for i in "${!names[@]}"; do
  while [ ${#running[@]} -ge "$((${JOBS:-$(nproc)} + 1))" ]; do await; done
  eval "timeout -k 10 1800 ${commands[$i]} > $work/$i.log 2>&1 < /dev/null &"
  running[$!]=$i started[$!]=$SECONDS
done
while [ ${#running[@]} != 0 ]; do await; done

echo
cat "$work/skipped"
skipped=$(wc -l < "$work/skipped")
echo "$passed passed, $failed failed$([ "$skipped" = 0 ] || echo ", $skipped skipped")"
[ "$failed" = 0 ]
