#!/usr/bin/env bash
# run.sh: hostile recipes (attacks.lua has them, and how each must end). Whatever a recipe does, --help and plan end within the time
# that a recipe may take, one second more for the hard limit, and half a second for all else, planning included, of CPU time of all
# processes together; by an exit code of ours, in few lines, without a control character, and nothing is left behind. Nothing here is bounded by wall time: a machine that is busy passes too.
# Attacks that are no recipes follow (surroundings.sh).
set -u
cd "$(dirname "$0")/../.."
here=$PWD/tests/attacks pico=$PWD/tests/data/pico
moonweld=$(realpath "${MOONWELD:-build/moonweld}")
work=$(mktemp -d)
room=$work/room
trap 'rm -rf "$work"' EXIT
export LC_ALL=C
passed=0 failed=0
. tests/part.sh

# The attacks lie in a folder with things that they must not get at.
mkdir -p "$room/in/folder.lua"
lua5.4 tests/attacks/attacks.lua "$room/in" > "$work/list" || exit 1
echo 'return recipe { "Outside.", arg.model("base", "a model"), function(a) return a.base end }' > "$room/outside.lua"
ln -s ../outside.lua "$room/in/linked.lua"
mkfifo "$room/in/pipe.lua"

# A model of one tensor, [2,2] of F32, as one file: the length of its header, the header, 16 zero bytes.
header='{"w.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}'
while [ $((${#header} % 8)) != 0 ]; do header="$header "; done
{ printf "\\x$(printf %02x ${#header})\0\0\0\0\0\0\0%s" "$header"; head -c 16 /dev/zero; } > "$room/in/model.safetensors"
echo '[0, 1, 1, 0, 1]' > "$room/in/ids.jsonl"
cd "$room/in"
before=$(ls -R "$room")

bad() { # REASON
  printf 'not ok: %s: %s\n' "$name" "$1"
  sed 's/^/    /' "$work/err" | cut -c 1-300 | head -n 5 | cat -v
  return 1
}

attempt() { # WANTED COMMAND...: WANTED is a code, or "any" for 0, 64 and 65
  local wanted=$1 cpu code TIMEFORMAT='%3U+%3S'
  shift
  cpu=$( { time timeout -k 1 1000 "$@" > "$work/out" 2> "$work/err" < /dev/null; } 2>&1)
  code=$?
  case $wanted-$code in
    any-0 | any-64 | any-65 | "$code-$code") ;;
    *) bad "$*: ended with $code, not $wanted"; return ;;
  esac
  cpu=${cpu//./} # "0.023+1.004": milliseconds; 10# since they may begin with zeros
  cpu=$((10#${cpu%+*} + 10#${cpu#*+}))
  if [ "$cpu" -gt $((1000 * (${seconds/-/1} + 1) + 500)) ]; then bad "$*: $cpu ms of CPU time"
  elif [ "$code" != 0 ] && [ ! -s "$work/err" ]; then bad "no message"
  elif [ "$(wc -c < "$work/err")" -gt 100000 ]; then bad "too long a message"
  # C0 but for tab and newline, DEL, C1, and the marks that turn the direction of writing.
  elif grep -aqP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]|0x[0-9a-f]{8}' "$work/out" "$work/err"; then
    bad "a control character or an address came through"
  elif ! cat "$work/out" "$work/err" | iconv -f UTF-8 -t UTF-8 > "$work/none" 2>&1; then bad "bytes that are no UTF-8 came through"
  fi
}

attack() { # NAME and what follows it in the list
  options=()
  [ "$seconds" = - ] || options+=(--recipe-seconds "$seconds")
  [ "$data" = - ] || options+=(--data ids.jsonl)
  attempt any "$moonweld" "./$name.lua" --help || return
  attempt "$code" "$moonweld" plan "./$name.lua" --base model.safetensors "${options[@]}" || return
  [ -z "$words" ] || grep -aqF -- "$words" "$work/err" || bad "the message lacks '$words'"
}

while IFS=$'\t' read -r name code seconds data words; do
  mine || continue
  if attack; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
done < "$work/list"
. "$here/surroundings.sh"

if [ "$(ls -R "$room")" = "$before" ]; then passed=$((passed + 1))
else echo "not ok: an attack left something behind"; failed=$((failed + 1)); fi
echo "attacks: $passed passed, $failed failed"
[ "$failed" = 0 ]
