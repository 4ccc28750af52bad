#!/usr/bin/env bash
# bench.sh MOONWELD: what merging costs on this machine, as ratios within one run on a warm cache: medians of ROUNDS (5),
# every round in the same order. Works in $TMPDIR or build/bench and needs 7 GB there; KEEP=1 leaves the models.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
moonweld=$(realpath "$1")
work=${TMPDIR:-$here/../../build}/bench
rounds=${ROUNDS:-5}
export LC_ALL=C
mkdir -p "$work"
trap '[ -n "${KEEP-}" ] || rm -rf "$work"' EXIT

${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 -pthread -o "$work/floor" "$here/floor.c"
${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 -o "$work/models" "$here/models.c"
cd "$work"
rm -rf out floor.out copy
echo "making two random models of 1 GiB" >&2
for seed in 1 2; do
  [ -f "m$seed/model.safetensors" ] || ./models "m$seed" random 64 8388608 "$seed"
done
for m in s1 s2; do ./models "$m" llama7b; done
for m in x1 x2; do ./models "$m" sparse 20000 524288; done
sync
cat m1/model.safetensors m2/model.safetensors > /dev/null
threads=$(nproc)

declare -A times
microseconds() { echo "${EPOCHREALTIME/./}"; }

# Runs a command and adds its microseconds to the named list.
clock() { # NAME COMMAND...
  local name=$1 begun ended
  shift
  begun=$(microseconds)
  "$@" > /dev/null
  ended=$(microseconds)
  times[$name]+="$((ended - begun)) "
}

copy_three() {
  mkdir copy
  cp m1/model.safetensors copy/1
  cp m2/model.safetensors copy/2
  cp floor.out copy/3
}

merge() { "$moonweld" "$@" --a m1 --b m2 -o out --quiet; }

for round in $(seq "$rounds"); do
  printf '\rround %d of %d' "$round" "$rounds" >&2
  rm -f floor.out; clock floor ./floor m1/model.safetensors m2/model.safetensors floor.out "$threads"
  clock lerp merge lerp --t 0.3; rm -rf out
  clock ops8 merge "$here/ops8.lua"; rm -rf out
  clock ops14 merge "$here/ops14.lua"; rm -rf out
  clock slerp merge slerp --t 0.3; rm -rf out
  clock cp copy_three; rm -rf copy
  clock plan7b "$moonweld" plan lerp --a s1 --b s2 --quiet
  clock plan20k "$moonweld" plan lerp --a x1 --b x2 --quiet
  clock help "$moonweld" --help
done
printf '\r' >&2

# Cold files, where the system lets us drop its cache (root): the inputs are read from the disk.
forget() { sync && echo 3 2> /dev/null > /proc/sys/vm/drop_caches; }
if forget 2> /dev/null; then
  for round in $(seq "$rounds"); do
    printf '\rcold round %d of %d' "$round" "$rounds" >&2
    forget; clock cat cat m1/model.safetensors m2/model.safetensors
    forget; clock cold merge lerp --t 0.3; rm -rf out
  done
  printf '\r' >&2
fi

# The greatest private memory (kB of RssAnon) of a merge, asked of the system as often as it answers.
peak_memory() {
  local peak=0 key value rest process
  "$moonweld" "$@" -o out --quiet &
  process=$!
  while [ -e "/proc/$process/status" ]; do
    while read -r key value rest; do
      [ "$key" = RssAnon: ] && [ "$value" -gt "$peak" ] && peak=$value
      [ "$key" = State: ] && [ "$value" = Z ] && break 2
    done 2>/dev/null < "/proc/$process/status" || true
  done
  wait "$process"
  rm -rf out
  echo "$peak"
}

median() { tr ' ' '\n' | grep . | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
# The median of the rounds' own ratios.
ratio() { # NAME NAME
  paste <(tr ' ' '\n' <<< "${times[$1]}" | grep .) <(tr ' ' '\n' <<< "${times[$2]}" | grep .) |
    awk '{ printf "%.4f\n", $1 / $2 }' | median
}
row() { printf '%-44s %12s  %s\n' "$@"; }
milliseconds() { median <<< "${times[$1]}" | awk '{ printf "%.1f ms", $1 / 1000 }'; }

isa=$("$moonweld" --version | grep -oiE 'avx512|avx2|base' | head -n 1)
row "2 x 1 GiB bf16, $threads threads, ${isa:-unknown}" "" "at most"
row "cheapest C program"           "$(milliseconds floor)"  ""
row "lerp"                         "$(milliseconds lerp)"   ""
row "lerp / cheapest C program"    "$(ratio lerp floor)"    "1.20"
row "lerp / cp of the three GiB"   "$(ratio lerp cp)"       "0.50"
row "8 operations / lerp"          "$(ratio ops8 lerp)"     "1.20"
row "14 operations / lerp"         "$(ratio ops14 lerp)"    "1.5 (AVX-512), 1.8 (AVX2)"
row "slerp / lerp"                 "$(ratio slerp lerp)"    "1.80"
row "peak private memory, lerp"    "$(peak_memory lerp --a m1 --b m2 | awk '{ printf "%.1f MB", $1 / 1000 }')" "$((24 + 2 * threads)) MB"
row "peak private memory, slerp"   "$(peak_memory slerp --a m1 --b m2 | awk '{ printf "%.1f MB", $1 / 1000 }')" "$((24 + 2 * threads)) MB"
if [ -n "${times[cold]-}" ]; then
  row "cold: lerp / cat of the inputs" "$(ratio cold cat)"    "1.15"
else
  row "cold: lerp / cat of the inputs" "needs root"           "1.15"
fi
row "plan of a 7B merge"           "$(milliseconds plan7b)"  "50 ms"
row "plan of 20 000 tensors"       "$(milliseconds plan20k)" "1000 ms"
row "--help"                       "$(milliseconds help)"    "10 ms"
