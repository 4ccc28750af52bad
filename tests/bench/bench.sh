#!/usr/bin/env bash
# bench.sh MOONWELD: what merging costs on this machine, as ratios within one run on a warm cache: medians of ROUNDS (5),
# every round in the same order. Each row has the figure, its limit and what it aims at. Merges run without checksums and without waiting
# for the disk, but for the rows that say what these add. Works in $TMPDIR or build/bench and needs 15 GB there; KEEP=1 leaves the models.
# MIB: how large each model is (1024, what the limits are for).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
moonweld=$(realpath "$1")
work=${TMPDIR:-$here/../../build}/bench
rounds=${ROUNDS:-5} mib=${MIB:-1024}
elements=$((mib * 8192)) # of each of 64 tensors
export LC_ALL=C
mkdir -p "$work"
trap '[ -n "${KEEP-}" ] || rm -rf "$work"' EXIT
# shellcheck source=tests/bench/measure.sh
. "$here/measure.sh"

${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 -pthread -o "$work/floor" "$here/floor.c"
${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 -o "$work/models" "$here/models.c"
${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 -march=native -ffp-contract=off -o "$work/madd" "$here/madd.c"
cd "$work"
rm -rf out floor.out copy
echo "making four random models of $mib MiB" >&2
for seed in 1 2 3 4; do
  [ -f "m$seed/model.safetensors" ] || ./models "m$seed" random 64 "$elements" "$seed"
done
# The same weights in three dtypes, at a quarter of the size.
for seed in 1 2 3 4; do
  for dtype in bf16 f16 f32; do [ -f "$dtype$seed/model.safetensors" ] || ./models "$dtype$seed" "$dtype" 16 "$elements" "$seed"; done
done
# Files of holes: shapes, and no data.
for m in s1 s2 v1 v2 v3; do ./models "$m" llama7b; done
# As large as Llama 2's: 32 000 tokens, 60 000 merges.
tokenizer() { # WORD: the text of the last token
  awk -v last="$1" 'BEGIN {
    print "{\"added_tokens\": [], \"model\": {\"type\": \"BPE\", \"vocab\": {"
    for (i = 0; i < 32000; i++) printf "      \"\304\240%x\": %d,\n", i + 65536, i
    printf "      \"%s\": 32000\n    },\n    \"merges\": [\n", last
    for (i = 0; i < 60000; i++) printf "      [\n        \"\304\240%x\",\n        \"%x\"\n      ],\n", i, i * 7
    print "      [\"a\", \"b\"]\n    ]\n  }\n}" }'
}
tokenizer a > v1/tokenizer.json; tokenizer a > v2/tokenizer.json; tokenizer b > v3/tokenizer.json
# Two vocabularies of 32 768 tokens: the second in another order, where each row stands alone, and 1000 of its tokens are its own.
words() { # STEP SHIFT
  awk -v step="$1" -v shift="$2" 'BEGIN {
    printf "{\"added_tokens\": [], \"model\": {\"type\": \"BPE\", \"vocab\": {"
    for (i = 0; i < 32768; i++) printf "%s\"%x\": %d", i ? "," : "", (i * step) % 32768 + shift + 65536, i
    print "}, \"merges\": []}}" }'
}
for m in u1 u2; do [ -f "$m/model.safetensors" ] || ./models "$m" words 46 "$elements" "${m#u}"; done
words 1 0 > u1/tokenizer.json; words 7919 1000 > u2/tokenizer.json
for m in x1 x2; do ./models "$m" sparse 20000 524288; done
for m in h1 h2; do ./models "$m" sparse 1000 52428800; done
for m in $(seq 24); do ./models "n$m" sparse 1000 65536; ./models "t$m" sparse 2000 65536; done
files="m1/model.safetensors m2/model.safetensors"
[ -d adapter ] || "$moonweld" "$here/adapter.lua" --base m2 --rank 16 --dtype bf16 -o adapter --quiet --no-sync
sync
cat m?/model.safetensors {bf16,f16,f32}?/model.safetensors > /dev/null
threads=$(nproc)

copy_three() {
  mkdir copy
  for m in m1 m2 m3; do cp "$m/model.safetensors" "copy/$m"; done
}
floor() { ./floor m1/model.safetensors m2/model.safetensors floor.out "$threads"; }
joined() { ./floor m1/model.safetensors m2/model.safetensors floor.out "$threads" joined; }

lean="--no-sync --no-hash"
two="--a m1 --b m2 -o out --quiet"
tuned="--base m1 --experts m2 m3 m4 -o out --quiet"
merge() { local name=$1; shift; clock "$name" "$moonweld" "$@"; rm -rf out; } # NAME RECIPE ARGUMENTS...
many() { for m in $(seq "$2"); do echo "$1$m"; done; } # PREFIX COUNT

# shellcheck disable=SC2086
for round in $(seq "$rounds"); do
  printf '\rround %d of %d' "$round" "$rounds" >&2
  # Memory that was never used, or was given back, is slow when it is touched first: everything finds what the step before
  # has freed, a run that is not timed included.
  floor; rm floor.out
  clock floor floor; rm floor.out
  merge lerp lerp --t 0.3 $two $lean
  merge lerp_hashed lerp --t 0.3 $two --no-sync
  merge adapted lerp --t 0.3 --a m1 --b m2+adapter -o out --quiet $lean
  merge ops8 "$here/ops8.lua" $two $lean
  merge ops14 "$here/ops14.lua" $two $lean
  merge unit_rows "$here/unit_rows.lua" --t 0.3 $two $lean
  merge slerp slerp --t 0.3 $two $lean
  merge linear4 soup --models m1 m2 m3 m4 -o out --quiet $lean
  merge ties ties $tuned $lean
  merge ties_crowded ties $tuned $lean --threads $((4 * threads))
  merge ties_hashed ties $tuned --no-sync
  merge ties_mergekit ties --profile mergekit --density 0.2 $tuned $lean
  merge dare_linear dare_linear $tuned $lean
  merge dare_ties dare_ties $tuned $lean
  merge dare_ties_seed dare_ties --seed 7 $tuned $lean
  merge on_zeros dare_ties --profile mergekit --drop 0.9 --density 0.5 $tuned $lean
  for dtype in bf16 f16 f32; do
    merge "lerp_$dtype" lerp --t 0.3 --a ${dtype}1 --b ${dtype}2 -o out --quiet $lean
    merge "ties_$dtype" ties --base ${dtype}1 --experts ${dtype}2 ${dtype}3 ${dtype}4 -o out --quiet $lean
  done
  clock plan7b "$moonweld" plan lerp --a s1 --b s2 --quiet
  clock plan7b_equal "$moonweld" plan lerp --a v1 --b v2 --quiet
  clock plan7b_parsed "$moonweld" plan lerp --a v1 --b v3 --allow tokenizer --quiet
  clock plan20k "$moonweld" plan lerp --a x1 --b x2 --quiet
  joined; rm floor.out
  clock joined joined; rm floor.out
  merge stack stack --parts m1 m2 -o out --quiet $lean
  merge unaligned lerp --t 0.3 --a u1 --b u2 --allow tokenizer -o out --quiet $lean
  merge united lerp --t 0.3 --a u1 --b u2 --tokenizer union -o out --quiet $lean
  clock help "$moonweld" --help
  clock list "$moonweld" list
  clock cp copy_three; rm -rf copy
done
# shellcheck disable=SC2086
for round in $(seq "$rounds"); do
  forget $files; clock cat cat $files
  forget $files; merge cold lerp --t 0.3 $two $lean
done
# shellcheck disable=SC2086
for round in $(seq "$rounds"); do
  sync; merge unsynced lerp --t 0.3 $two --no-sync
  sync; clock dd dd if=m1/model.safetensors of=copy bs=1M conv=fdatasync status=none; rm copy
  sync; merge synced lerp --t 0.3 $two
  slower "unsynced" "dd"
done
printf '\r' >&2

isa=$("$moonweld" --version | grep -oiE 'avx512|avx2|base' | head -n 1)
within=$((24 + 2 * threads))
megabytes() { awk "BEGIN { printf \"%.1f MB\", $1 }"; } # EXPRESSION

row "2 x $mib MiB bf16, $threads threads, ${isa:-unknown}" "" "at most" "aim"
printf '%s\n' "$(grep -m 1 'model name' /proc/cpuinfo | sed 's/.*: *//')"
row "cheapest C program"           "$(milliseconds floor)"
row "lerp"                         "$(milliseconds lerp)"
row "lerp / cheapest C program"    "$(ratio lerp floor)"    "1.15" "1.0"
row "lerp / cp of the three models"   "$(ratio lerp cp)"       "0.50"
row "lerp with checksums / without" "$(ratio lerp_hashed lerp)" "1.35"
row "lerp with an adapter of rank 16" "$(milliseconds adapted)"
row "what it takes more / its operations" "$(beyond adapted lerp $((64 * elements)) "$(./madd 16)")" "2.00"
row "8 operations / lerp"          "$(ratio ops8 lerp)"     "1.20" "1.10"
row "14 operations / lerp"         "$(ratio ops14 lerp)"    "1.4" "1.2"
row "lerp of unit rows / lerp"     "$(ratio unit_rows lerp)" "1.3"
row "slerp / lerp"                 "$(ratio slerp lerp)"    "1.6" "1.4"
row "lerp / cat, cold files"       "$(ratio cold cat)"      "1.15"
row "lerp, on the disk"            "$(milliseconds synced)"
row "lerp on the disk / slower of lerp without and dd conv=fdatasync" "$(ratio synced slower)" "1.10"
row "stack of two / cheapest C program that copies" "$(ratio stack joined)" "1.15"
row "union of vocabularies / the same merge without" "$(ratio united unaligned)" "1.25"
row "linear merge of four"         "$(milliseconds linear4)"
row "ties / linear merge of four"  "$(ratio ties linear4)"  "2.2" "1.6"
row "ties of four threads a core / of one" "$(ratio ties_crowded ties)" "1.10"
row "ties with checksums / without" "$(ratio ties_hashed ties)" "1.10"
row "ties of 0.2, mergekit's profile / linear" "$(ratio ties_mergekit linear4)" "3.0" "2.2"
row "dare_linear / linear merge of four" "$(ratio dare_linear linear4)" "1.4" "1.2"
row "dare_ties / linear merge of four" "$(ratio dare_ties linear4)" "2.2" "1.8"
row "dare_ties, another seed / linear" "$(ratio dare_ties_seed linear4)" "2.2" "1.8"
row "dare_ties with thresholds on zeros / linear" "$(ratio on_zeros linear4)" "3.0"
row "lerp of f16 / of bf16"        "$(ratio lerp_f16 lerp_bf16)" "1.3"
row "lerp of f32 / of bf16"        "$(ratio lerp_f32 lerp_bf16)" "2.6"
row "ties of f16 / of bf16"        "$(ratio ties_f16 ties_bf16)" "1.3"
row "ties of f32 / of bf16"        "$(ratio ties_f32 ties_bf16)" "2.6"
# shellcheck disable=SC2086
{
row "peak private memory, lerp"    "$(peak_memory "$moonweld" lerp $two --no-sync)" "$within MB"; rm -rf out
row "peak private memory, slerp"   "$(peak_memory "$moonweld" slerp $two --no-sync)" "$within MB"; rm -rf out
# Three selections: counts of 65536 bins, 8 bytes shared and 4 a thread.
row "peak private memory, ties"    "$(peak_memory "$moonweld" ties $tuned)" \
  "$(megabytes "$within + 3 * 65536 * (8 + 4 * $threads) / 1e6")"; rm -rf out
row "peak memory, 16 inputs of 1000 tensors" "$(peak_memory "$moonweld" soup --models $(many n 16) -o out --allow empty)" "$within MB"; rm -rf out
row "peak memory, 24 inputs of 2000 tensors" "$(peak_memory "$moonweld" soup --models $(many t 24) -o out --allow empty)" \
  "$(megabytes "$within + 0.128 * 8 * $threads + 300 * (24 * 2000 - 16 * 1000) / 1e6")"; rm -rf out
row "peak memory, plan of two models of 100 GB" "$(peak_memory "$moonweld" plan lerp --a h1 --b h2)" "$within MB"
}
row "plan of a 7B merge"           "$(milliseconds plan7b)"  "20 ms"
row "the same, equal tokenizers"   "$(milliseconds plan7b_equal)" "20 ms"
row "the same, tokenizers read"    "$(milliseconds plan7b_parsed)" "60 ms"
row "plan of 20 000 tensors"       "$(milliseconds plan20k)" "400 ms"
row "--help"                       "$(milliseconds help)"    "5 ms"
row "list"                         "$(milliseconds list)"    "5 ms"
