#!/usr/bin/env bash
# run.sh MOONWELD: memory does not grow with the models: proofs that are too long or need too much for `make test`. The
# models are files of holes. Limits are a memory cgroup's where one can be made (root), which also counts the page cache;
# else RLIMIT_DATA's, which counts private memory only. Works in $TMPDIR or build/big.
set -u
here=$(cd "$(dirname "$0")" && pwd)
moonweld=$(realpath "$1")
work=${TMPDIR:-$here/../../build}/big
threads=$(nproc)
bound=$((24 + 2 * threads)) # MB of private memory
passed=0 failed=0
export LC_ALL=C
mkdir -p "$work"
trap 'rm -rf "$work"; [ -z "${group-}" ] || rmdir "$group" 2> /dev/null' EXIT
${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 -o "$work/models" "$here/../bench/models.c" || exit 70
cd "$work" || exit 70

# ---- limits ----

group=
make_group() {
  local name=moonweld-$$
  if mkdir "/sys/fs/cgroup/memory/$name" 2> /dev/null; then
    group=/sys/fs/cgroup/memory/$name limit=memory.limit_in_bytes
  elif [ -e /sys/fs/cgroup/cgroup.controllers ] && echo +memory > /sys/fs/cgroup/cgroup.subtree_control 2> /dev/null &&
    mkdir "/sys/fs/cgroup/$name" 2> /dev/null; then
    group=/sys/fs/cgroup/$name limit=memory.max
  else
    echo "no memory cgroup can be made: private memory is limited by RLIMIT_DATA, the page cache is not"
  fi
}

# Runs a command within so many MB.
within() { # MB COMMAND...
  local mb=$1
  shift
  if [ -n "$group" ]; then
    echo $((mb << 20)) > "$group/$limit"
    (echo "$BASHPID" > "$group/cgroup.procs" && exec "$@")
  else
    prlimit --data=$((mb << 20)) "$@"
  fi
}

# The greatest private memory (kB of RssAnon) of a command, asked of the system as often as it answers; its exit code.
peak_memory() {
  local key value rest process
  peak=0
  "$@" > text 2> errors &
  process=$!
  while [ -e "/proc/$process/status" ]; do
    while read -r key value rest; do
      [ "$key" = RssAnon: ] && [ "$value" -gt "$peak" ] && peak=$value
      [ "$key" = State: ] && [ "$value" = Z ] && break 2
    done 2> /dev/null < "/proc/$process/status" || true
  done
  wait "$process"
}

check() { # WHAT CONDITION...
  local what=$1
  shift
  if "$@"; then passed=$((passed + 1)); printf 'ok      %s\n' "$what"; else
    failed=$((failed + 1))
    printf 'not ok: %s\n' "$what"
    head -n 3 errors | sed 's/^/    /'
  fi
}

make_group

# ---- 100 GB ----

./models large sparse 1500 8912896 F64 # 1500 tensors of 71 MB: 107 GB
begun=${EPOCHREALTIME/./}
peak_memory "$moonweld" plan lerp --a large --b large --dtype bf16
code=$?
took=$(((${EPOCHREALTIME/./} - begun) / 1000))
check "a plan of 2 x 107 GB takes $took ms (2000) and $((peak / 1000)) MB ($bound)" \
  [ "$code" = 0 -a "$took" -lt 2000 -a "$peak" -lt $((bound * 1000)) ]
within 48 timeout -s INT 10 "$moonweld" lerp --a large --b large --dtype bf16 --allow empty -o out --log-json > text 2> errors
code=$?
if grep -q '"code":7[34]' errors && grep -qE 'disk|space' errors; then
  echo "skipped: there is no room for 27 GB of output"
else
  moved=$(grep -oE '"done":[0-9]+' errors | tail -n 1 | cut -d: -f2)
  # 124: timeout sent the signal; the program itself ended with 130 then.
  check "10 s of that merge within 48 MB moved $((${moved:-0} >> 20)) MB; stopped, nothing is left" \
    [ "$code" = 124 -a "${moved:-0}" -gt $((48 << 20)) -a -z "$(ls -d out* 2> /dev/null)" ]
  grep -q '"code":130' errors || check "it ends with 130" false
fi
rm -rf large

# ---- a tensor of more than 2^31 elements, and of more than one call can read ----

./models huge sparse 1 2147483651
printf '\200\077\000\100' | dd of=huge/model.safetensors bs=1 seek=$(($(stat -c %s huge/model.safetensors) - 4)) conv=notrunc 2> errors
"$moonweld" lerp --a huge --b huge --allow empty -o out --quiet 2> errors
code=$?
check "a tensor of 2147483651 elements keeps its last two" \
  [ "$code" = 0 -a "$(tail -c 6 out/model.safetensors | od -An -tx1)" = " 00 00 80 3f 00 40" ]
rm -rf huge out

# ---- 48 MB ----

for m in a b; do ./models $m sparse 64 2097152; done
for recipe in "lerp --a a --b b" "slerp --a a --b b" "ties --base a --experts b"; do
  # shellcheck disable=SC2086
  within 48 "$moonweld" $recipe --allow empty -o out --quiet > text 2> errors
  code=$?
  check "${recipe%% *} of 2 x 256 MB within 48 MB" [ "$code" = 0 ]
  # shellcheck disable=SC2086
  "$moonweld" $recipe --allow empty -o again --quiet
  check "... and with the same bytes" cmp -s out/model.safetensors again/model.safetensors
  rm -rf out again
done
rm -rf a b

# ---- 16 inputs of 1000 tensors ----

list=
for i in $(seq 16); do
  ./models "m$i" sparse 1000 65536
  list="$list m$i"
done
# shellcheck disable=SC2086
for recipe in "soup --models $list" "task_arithmetic --base m1 --experts ${list# m1}" "dare_linear --base m1 --experts ${list# m1}"; do
  peak_memory "$moonweld" $recipe --allow empty --threads "$threads" -o out --quiet
  code=$?
  check "${recipe%% *} of 16 inputs of 1000 tensors takes $((peak / 1000)) MB ($bound)" [ "$code" = 0 -a "$peak" -lt $((bound * 1000)) ]
  rm -rf out
done
# Selections need counters beside that: one of 512 KB and one of 256 KB a thread for each of 15 experts, or for about ten
# tensors at a time. The plan says how much it is at most.
# shellcheck disable=SC2086
for how in "15 --experts ${list# m1} --per model" "10 --experts m2 m3 m4 --per tensor" "10 --experts m2 m3 --per tensor --count exact"; do
  counters=$((${how%% *} * (524 + 262 * threads) / 1000)) arguments="--base m1 ${how#* }"
  promised=$("$moonweld" plan ties $arguments --json --quiet | grep -oE '"peak_memory": *[0-9]+' | grep -oE '[0-9]+$')
  peak_memory "$moonweld" ties $arguments --allow empty --threads "$threads" -o out --quiet
  code=$?
  check "ties ${how##*--per }: $((peak / 1000)) MB, as planned ($((promised / 1000000))), at most $bound + $counters" \
    [ "$code" = 0 -a "$peak" -lt $((promised / 1000)) -a "$peak" -lt $(((bound + counters) * 1000)) ]
  rm -rf out
done
rm -rf m1 m2 m3 m4 m5 m6 m7 m8 m9 m1?

# ---- stopped, cut short and changed while it runs ----

for m in a b; do ./models $m sparse 100 20971520; done # 4 GB each
slowest=0
for i in $(seq 20); do
  "$moonweld" lerp --a a --b b --allow empty -o out --quiet 2> errors &
  process=$!
  sleep "0.$((RANDOM % 90 + 10))"
  begun=${EPOCHREALTIME/./}
  kill -TERM $process # a shell starts what runs beside it with INT ignored
  wait $process
  code=$?
  took=$(((${EPOCHREALTIME/./} - begun) / 1000))
  [ "$took" -gt "$slowest" ] && slowest=$took
  [ "$code" = 143 ] && [ -z "$(ls -d out* 2> /dev/null)" ] || break
done
check "20 times stopped at a random moment: 143 each time, nothing left, at most $slowest ms (1000)" \
  [ "$i" = 20 -a "$code" = 143 -a "$slowest" -lt 1000 -a -z "$(ls -d out* 2> /dev/null)" ]
for change in "truncate -s 1G" "touch" "truncate -s +1"; do
  "$moonweld" lerp --a a --b b --allow empty -o out --quiet 2> errors &
  process=$!
  sleep 0.3
  $change b/model.safetensors
  wait $process
  code=$?
  check "an input that meets '$change' meanwhile: 75, nothing left" [ "$code" = 75 -a -z "$(ls -d out* 2> /dev/null)" ]
  ./models b sparse 100 20971520
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
