#!/usr/bin/env bash
# run.sh BUILD [SUITE...]: runs the suites and adds up what they say. Every suite ends with a line `N passed, N failed`;
# one that does not, or that ends badly without naming a failure, counts as one failure itself.
set -u
cd "$(dirname "$0")/.."
build=$1
shift
suites=${*:-unit spec cli rules attacks faults fuzz lint floors docs golden}
export MOONWELD="$PWD/$build/moonweld" LUA_CPATH="$PWD/$build/?.so;;" MOONWELD_BUILD="$build"
# Threads that wait for each other sleep: a machine that runs tests has more to do than cores.
export OMP_WAIT_POLICY=passive
# Ubuntu 22.04 has not all of busted for Lua 5.4: what is plain Lua of 5.3 does as well.
spec=(busted --lua=lua5.4 --output=plainTerminal tests/spec)
lua5.4 -e 'require "busted.core"' 2> /dev/null ||
  spec=(env LUA_PATH="tests/busted/?.lua;/usr/share/lua/5.3/?.lua;/usr/share/lua/5.3/?/init.lua;;" "${spec[@]}")
log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0 failed=0

# Runs one program, shows what it says, and adds its sum.
count() { # NAME COMMAND...
  local name=$1 code line
  shift
  printf '== %s\n' "$name"
  "$@" > "$log" 2>&1 < /dev/null
  code=$?
  cat "$log"
  # busted words its sum in its own way.
  line=$(sed -E 's/^.*: ([0-9]+ passed, [0-9]+ failed)$/\1/; s/^(.*[^0-9])?([0-9]+) success(es)? \/ ([0-9]+) failures? \/ ([0-9]+) errors?.*$/\2 passed, \4+\5 failed/' "$log" |
    grep -aE '^[0-9]+ passed, [0-9+]+ failed$' | tail -n 1)
  if [ -z "$line" ]; then
    echo "$name: ended with $code and no sum"
    failed=$((failed + 1))
    return
  fi
  local good=${line%% passed*} bad=${line#*, }
  bad=$((${bad% failed}))
  [ "$code" != 0 ] && [ "$bad" = 0 ] && { echo "$name: exit code $code"; bad=1; }
  passed=$((passed + good)) failed=$((failed + bad))
}

for suite in $suites; do
  case $suite in
    unit)   for t in tests/unit/test_*.c; do count "unit: $(basename "$t" .c)" "$build/unit/$(basename "$t" .c)"; done ;;
    spec)   count spec "${spec[@]}" ;;
    lint)   count lint tests/lint.sh ;;
    floors) count floors lua5.4 tests/floors.lua "$build" ;;
    docs)   count docs tests/docs.sh ;;
    *)      count "$suite" "tests/$suite/run.sh" ;;
  esac
done
echo
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
