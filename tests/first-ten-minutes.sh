#!/usr/bin/env bash
# first-ten-minutes.sh [--record]: what README.md shows as the first ten minutes, on a clean clone of HEAD: it builds, and does what a new
# user does, command by command; what the commands say must be what README.md says, but for times. --record writes that part of README.md.
# BUILT=FOLDER takes the program that lies there in the place of building it.
set -eu
cd "$(dirname "$0")/.."
root=$PWD work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A line for each command; the pages and recipes that they make lie beside the clone's README.
commands() {
  cat << 'COMMANDS'
moonweld slerp --a tests/data/pico/kjv --b tests/data/pico/de --t 0.3 -o merged
moonweld diff tests/data/pico/kjv merged | tail -n 4
moonweld pack lerp > uneven.lua
sed -i 's/lerp(a.a, a.b, a.t)/lerp(a.a, a.b, a.t * layers{0, 1})/; s/Linear interpolation/Interpolation that grows with depth/' uneven.lua
moonweld ./uneven.lua --a tests/data/pico/kjv --b tests/data/pico/de --t 0.3 -o uneven
moonweld ./largest.lua --base tests/data/pico/base --experts tests/data/pico/kjv tests/data/pico/py -o largest
moonweld eval tests/data/pico/kjv largest --data tests/data/pico/data/kjv.calibration.safetensors
moonweld pack ./largest.lua > shared.lua && moonweld ./shared.lua --help | head -n 1
moonweld verify largest --inputs
moonweld report largest
COMMANDS
}

# The commands with what they say.
session() {
  commands | while IFS= read -r line; do
    printf '$ %s\n' "$line"
    bash -c "$line" 2>&1 < /dev/null || printf 'ended with %s\n' $?
  done
}

quiet() { sed -E 's/in [0-9.]+ s, read and written at [0-9.]+ [kMG]?B\/s/in N s/'; }

git clone -q "$root" "$work/moonweld"
cd "$work/moonweld"
if [ -n "${BUILT-}" ]; then mkdir build && cp "$root/$BUILT/moonweld" build/; else make -s -j"$(nproc)"; fi > "$work/built" 2>&1 || { tail "$work/built"; echo "0 passed, 1 failed"; exit 1; }
export PATH="$PWD/build:$PATH" OMP_NUM_THREADS=1
# The method of README.md, as a reader saves it.
awk '/saved as `largest.lua`:$/ { wait = 1 } wait && /^```lua$/ { inside = 1; next } inside && /^```$/ { exit } inside' README.md > largest.lua
session > "$work/session"

if [ "${1-}" = --record ]; then
  awk -v file="$work/session" '/^<!-- made by tests\/first-ten-minutes.sh/ { print; print "```text"; while ((getline line < file) > 0) print line; print "```"; skip = 1 }
    skip && /^<!-- end -->$/ { skip = 0 } !skip && !/^<!-- made by tests\/first-ten-minutes.sh/' "$root/README.md" > "$work/readme"
  cat "$work/readme" > "$root/README.md"
  exit
fi

awk '/^<!-- made by tests\/first-ten-minutes.sh/ { inside = 1; next } /^<!-- end -->$/ { inside = 0 } inside && !/^```/' README.md | quiet > "$work/expected"
failed=0
quiet < "$work/session" > "$work/said"
diff -u "$work/expected" "$work/said" || { failed=1; echo "not ok: README.md shows another session; tests/first-ten-minutes.sh --record writes it anew"; }
# Each command is a case, and each ends well.
! grep -q '^ended with' "$work/said" || failed=1
echo "$(($(commands | wc -l) - failed)) passed, $failed failed"
[ "$failed" = 0 ]
