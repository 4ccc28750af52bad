#!/usr/bin/env bash
# run.sh [all]: calls of the system that go wrong, one at a time (faults.lua), and power cuts, by replaying what was written (power.lua) and
# on file systems that are mounted from an image (disk.lua, by root alone). Needs a preloaded library, so Linux with glibc, and a
# program without sanitizers.
set -u
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'umount "$work/disk/disk" 2> /dev/null; rm -rf "$work"' EXIT
cp "${MOONWELD:-build/moonweld}" "$work/moonweld" # so that a long run outlives the next build
export LC_ALL=C
shim() { # NAME
  ${CC:-cc} -std=gnu11 -D_GNU_SOURCE -O1 -shared -fPIC -o "$work/$1.so" "tests/faults/$1.c" -ldl -lpthread
}
if [ "$(uname -s)" != Linux ] || ! shim shim || ! shim power; then
  echo "skipped: no library can be preloaded here: faults"
  echo "0 passed, 0 failed"
  exit 0
fi
passed=0 failed=0
run() { # DRIVER SHIM MODE
  mkdir "$work/$1"
  lua5.4 "tests/faults/$1.lua" "$work/moonweld" "$work/$2.so" "$work/$1" "$3" > "$work/said"
  local code=$? sum good bad
  sum=$(tail -n 1 "$work/said") good=${sum%% passed*} bad=${sum#*, } bad=${bad% failed}
  if [[ $sum =~ ^[0-9]+\ passed,\ [0-9]+\ failed$ ]]; then sed '$d' "$work/said"
  else
    cat "$work/said"
    echo "not ok: $1.lua ended with $code and no sum"
    good=0 bad=1
  fi
  passed=$((passed + good)) failed=$((failed + bad))
}
mountable() {
  mkdir "$work/try" && truncate -s 8M "$work/image" && mkfs.ext4 -q "$work/image" && mount -o loop "$work/image" "$work/try" && umount "$work/try"
}

run faults shim "${1-}"
part=${PART:-1/1}
[ "${part%/*}" != 1 ] || run power power "${1-}"
if [ "${part%/*}" = 2 ] || [ "$part" = 1/1 ]; then
  if mountable > "$work/errors" 2>&1; then run disk shim "${1-}"; else echo "skipped: no image can be mounted here: power cuts on a file system"; fi
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
