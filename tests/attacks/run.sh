#!/usr/bin/env bash
# run.sh: hostile recipes. Each file's first line says how it must end: `-- expect: CODE words of the message`; a second
# line `-- data` gives it data to learn from, `-- time` twenty seconds instead of one, so that it is not time that ends it on
# a slow machine. Whatever a recipe does, --help and plan end after that much CPU time (and four times as much to find the
# line that took it) by an exit code of ours, in few lines, without a control character, and nothing is left behind.
set -u
cd "$(dirname "$0")/../.."
moonweld=$(realpath "${MOONWELD:-build/moonweld}")
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
export LC_ALL=C
passed=0 failed=0
. tests/part.sh

# The attacks lie in a folder with things that they must not get at.
mkdir "$room/in" "$room/in/folder.lua"
cp tests/attacks/*.lua "$room/in/"
echo 'return recipe { "Outside.", arg.model("base", "a model"), function(a) return a.base end }' > "$room/outside.lua"
ln -s ../outside.lua "$room/in/linked.lua"
mkfifo "$room/in/pipe.lua"
{ echo '-- expect: 65 262144'; yes -- '-- a recipe file has at most 256 KB' | head -n 9000; } > "$room/in/too_large.lua"

# A model of one tensor, [2,2] of F32, as one file: the length of its header, the header, 16 zero bytes.
header='{"w.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}'
while [ $((${#header} % 8)) != 0 ]; do header="$header "; done
{ printf "\\x$(printf %02x ${#header})\0\0\0\0\0\0\0%s" "$header"; head -c 16 /dev/zero; } > "$room/in/model.safetensors"
echo '[0, 1, 1, 0, 1]' > "$room/in/ids.jsonl"
cd "$room/in"
ls -R "$room" > "$room/before.txt"

bad() { # NAME REASON
  failed=$((failed + 1))
  printf 'not ok: %s: %s\n' "$1" "$2"
  sed 's/^/    /' "$room/err" | cut -c 1-300 | head -n 5 | cat -v
}

attempt() { # FILE WANTED WORDS COMMAND...: WANTED is a code, or "any" for 0, 64 and 65
  local file=$1 wanted=$2 words=$3 cpu code TIMEFORMAT='%0U+%0S'
  shift 3
  cpu=$( { time timeout -k 1 200 "$@" > "$room/out" 2> "$room/err" < /dev/null; } 2>&1)
  code=$?
  case $wanted-$code in
    any-0 | any-64 | any-65 | "$code-$code") ;;
    *) bad "$file" "$*: ended with $code, not $wanted"; return ;;
  esac
  if ! grep -aqF -- "$words" "$room/err" && [ -n "$words" ]; then bad "$file" "the message lacks '$words'"
  elif [ $((cpu)) -gt $((5 * seconds + 2)) ]; then bad "$file" "$*: $((cpu)) seconds of CPU time"
  elif [ "$code" != 0 ] && [ ! -s "$room/err" ]; then bad "$file" "no message"
  elif [ "$(wc -c < "$room/err")" -gt 100000 ]; then bad "$file" "too long a message"
  # C0 but for tab and newline, DEL, C1, and the marks that turn the direction of writing.
  elif grep -aqP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]|0x[0-9a-f]{8}' "$room/out" "$room/err"; then
    bad "$file" "a control character or an address came through"
  else passed=$((passed + 1)); fi
}

for file in *.lua; do
  [ -f "$file" ] && [ ! -L "$file" ] && mine || continue
  read -r code words <<< "$(head -n 1 "$file" | tr -d '\0' | sed 's/^.*-- expect: *//')"
  options=() seconds=1
  case $(sed -n 2p "$file" | tr -d '\0') in
    "-- data") options=(--data ids.jsonl) ;;
    "-- time") seconds=20 options=(--recipe-seconds 20) ;;
  esac
  attempt "$file" any "" "$moonweld" "./$file" --help
  attempt "$file" "$code" "${words:-}" "$moonweld" plan "./$file" --base model.safetensors "${options[@]}"
done

rm -f "$room/out" "$room/err"
mv "$room/before.txt" "$room.before"
if [ "$(grep -vE '^(out|err|before.txt)$' "$room.before")" = "$(ls -R "$room" | grep -vE '^(out|err|before.txt)$')" ]; then passed=$((passed + 1))
else echo "not ok: an attack left something behind"; failed=$((failed + 1)); fi
rm -f "$room.before"
echo "attacks: $passed passed, $failed failed"
[ "$failed" = 0 ]
