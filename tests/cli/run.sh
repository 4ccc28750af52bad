#!/usr/bin/env bash
# run.sh [NAME...]: the cases of the command line. A case is a folder: `cmd` is run by bash in a fresh folder with
# `moonweld` on its path and the carried models in $PICO and $CORPUS; `code` is the exit code (0 without the file); `out`
# and `err` are the exact output, where @PICO@ and @HERE@ stand for the folders; `out.has` and `err.has` list texts that
# must be in it, one a line; `out.not` and `err.not` texts that must not.
set -u
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
export MOONWELD=${MOONWELD:-$root/build/moonweld}
export PICO=$root/tests/data/pico CORPUS=$root/tests/data/corpus
export LC_ALL=C
unset OMP_NUM_THREADS MOONWELD_ISA
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
mkdir "$work/bin"
ln -s "$MOONWELD" "$work/bin/moonweld"
export PATH="$work/bin:$PATH"
passed=0 failed=0
# For cases that wait for what another process does: the time limit below is all that ends them, however busy the machine.
wait_for() { until "$@"; do sleep 0.05; done; } # COMMAND...
export -f wait_for
. ../part.sh

# Compares one stream and says what is wrong with it.
compare() { # CASE STREAM
  local expected=$1/$2 got=$work/$2 line bad=0
  if [ -f "$expected" ] && ! diff -u "$expected" "$got" > "$work/diff"; then
    sed 's/^/    /' "$work/diff"
    bad=1
  fi
  if [ -f "$expected.has" ]; then
    while IFS= read -r line; do
      grep -qaF -- "$line" "$got" && continue
      printf '    %s lacks: %s\n' "$2" "$line"
      bad=1
    done < "$expected.has"
  fi
  if [ -f "$expected.not" ]; then
    while IFS= read -r line; do
      grep -qaF -- "$line" "$got" || continue
      printf '    %s must not have: %s\n' "$2" "$line"
      bad=1
    done < "$expected.not"
  fi
  return $bad
}

for case in ${*:-*/}; do
  case=${case%/}
  [ -f "$case/cmd" ] && mine || continue
  here=$work/here
  [ -d "$here" ] && chmod -R u+w "$here" && rm -rf "$here"
  mkdir "$here"
  (cd "$here" && timeout 600 bash "$root/tests/cli/$case/cmd") > "$work/out" 2> "$work/err" < /dev/null
  code=$?
  sed -i "s|$PICO|@PICO@|g; s|$here|@HERE@|g" "$work/out" "$work/err"
  expected=0
  [ -f "$case/code" ] && expected=$(cat "$case/code")
  report=$(
    [ "$code" = "$expected" ] || { echo "    exit code $code, expected $expected"; bad=1; }
    compare "$case" out || bad=1
    compare "$case" err || bad=1
    exit ${bad-0}
  )
  if [ $? = 0 ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'not ok: %s\n%s\n' "$case" "$report"
    [ "$code" = "$expected" ] || head -n 3 "$work/err" | sed 's/^/    err: /'
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
