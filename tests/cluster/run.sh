#!/usr/bin/env bash
# run.sh: one merge by several processes of MPI on this machine. Every golden digest by 2 or 3 of them, that of ties by each; whole
# outputs, lock and all, equal to those of one process, learned ones and statistics too; a process that is killed (ends.sh: at each phase),
# whose disk is full, which has other inputs, and a signal: one line tells of it, nothing is published, and the old output stays. Without
# MPI only what a build without it says is tested. MPI=mpich: by MPICH, where there is Open MPI too. MOONWELD_MPI: the program with MPI,
# which is built where that is not set. PART: part.sh. LAUNCHER="srun --mpi=pmix --kill-on-bad-exit=1": started by that in the place of
# mpirun (of a Slurm that is here; for MPICH it is --mpi=pmi2).
set -u
cd "$(dirname "$0")/../.."
. tests/part.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
plain=$(realpath "${MOONWELD:-build/moonweld}")
passed=0 failed=0
check() { # WHAT COMMAND...
  local what=$1
  shift
  if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "not ok: $what"; return 1; fi
}
finish() {
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ]
  exit
}
pico=$PWD/tests/data/pico
ties=(ties --base "$pico/base" --experts "$pico/kjv" "$pico/py" "$pico/man")

# ---- a build without MPI, started as one of several ----

refused() {
  one_of() { # RANK VARIABLES: what such a process says, and its exit code
    env OMPI_COMM_WORLD_RANK="$1" "$2=$3" "$plain" "${@:4}" -o "$work/never" 2>&1
    echo "code $?"
  }
  refusal="moonweld: error: started as 4 processes that would each make the same output: this program is built without MPI
moonweld: hint: make MPI=1 builds one that divides the merge among them
code 69"
  check "without MPI, rank 0 of 4 refuses" [ "$(one_of 0 OMPI_COMM_WORLD_SIZE 4 "${ties[@]}")" = "$refusal" ]
  refusal_of_1="moonweld: error: process 1 of 4 is a program that is built without MPI
moonweld: hint: all must be one program, which make MPI=1 builds
code 69"
  check "without MPI, rank 1 of 4 refuses if nobody has ended it" [ "$(one_of 1 OMPI_COMM_WORLD_SIZE 4 "${ties[@]}")" = "$refusal_of_1" ]
  check "so under srun" [ "$(PMI_RANK='' SLURM_PROCID=0 one_of "" SLURM_STEP_NUM_TASKS 4 "${ties[@]}")" = "$refusal" ]
  check "so under MPICH" [ "$(PMI_RANK=0 one_of "" PMI_SIZE 4 "${ties[@]}")" = "$refusal" ]
  check "a command that is no merge is refused" \
    grep -q "'inspect' is for one process" <(env OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_RANK=0 "$plain" inspect "$pico/base" 2>&1)
  check "nothing was made" [ ! -e "$work/never" ]
  check "a job of Slurm that is no step, and one process, are as ever" \
    env SLURM_NTASKS=4 SLURM_PROCID=0 OMPI_COMM_WORLD_SIZE=1 OMPI_COMM_WORLD_RANK=0 "$plain" "${ties[@]}" --quiet -o "$work/alone"
}
if mine; then refused; fi

# ---- with MPI ----

kind=${MPI:-1} launcher=${LAUNCHER:-mpirun${MPI:+.$MPI}}
if ! command -v "${launcher%% *}" > /dev/null || ! .ci/deps --check mpi > /dev/null 2>&1; then
  echo "skipped: MPI is not here (make deps MPI=1): merges by several processes"
  finish
fi
program=${MOONWELD_MPI:-$PWD/build/${kind/#1/mpi}/moonweld}
# One part builds it, the others wait.
built() {
  flock "build/.${kind/#1/mpi}.lock" make --no-print-directory -s -j"${JOBS:-$(nproc)}" MPI="$kind" "build/${kind/#1/mpi}/moonweld" > "$work/log" 2>&1 &&
    ! grep -q 'warning:' "$work/log"
}
if [ -z "${MOONWELD_MPI-}" ] && ! built; then
  grep -A 4 -E 'warning:|error:' "$work/log" | head -n 20
  check "it builds with MPI, without a warning" false
  finish
fi
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive
ranks() { # COUNT WORDS...: the merge by so many processes
  timeout 120 $launcher -n "$1" "$program" "${@:2}" < /dev/null
}

# Each by one number of processes, in turn, and ties by each number; COUNTS=all: all by 2, 3 and 4. Large tiles come with selections that
# guess from a sample, and so with more to tell.
turn=0
while read -r name expected arguments; do
  case $name in ''|'#'*) continue ;; esac
  for setting in "1 1024 none" "2 1024 none" "3 4096 0" "4 32768 0"; do
    read -r count tile sample <<< "$setting"
    if [ "$name" != ties ]; then
      [ "$count" != 1 ] || continue
      [ "${COUNTS-}" = all ] || [ "$count" = $((turn % 2 + 2)) ] || continue
    fi
    mine || continue
    [ "$sample" = none ] && unset MOONWELD_SAMPLE || export MOONWELD_SAMPLE=$sample
    rm -rf "$work/out"
    # shellcheck disable=SC2086
    MOONWELD_TILE=$tile ranks "$count" $arguments --quiet -o "$work/out" > "$work/said" 2>&1 || cat "$work/said"
    check "$name by $count processes" [ "$(sha256sum < "$work/out/model.safetensors" | cut -c1-64)" = "$expected" ]
  done
  turn=$((turn + 1))
done < <(sed "s|PICO|$pico|g" tests/golden/digests)
unset MOONWELD_SAMPLE

# Everything else of an output is the same, too, with its lock: of files with several writers, and of those with one.
same() { # WHAT COUNT WORDS...
  local what=$1 count=$2 ok=yes
  mine || return 1
  shift 2
  rm -rf "$work/one" "$work/many"
  mkdir "$work/one" "$work/many"
  (cd "$work/one" && "$plain" "$@" > "$work/said" 2>&1) || ok=no
  (cd "$work/many" && ranks "$count" "$@" >> "$work/said" 2>&1) || ok=no
  [ $ok = yes ] || cat "$work/said"
  check "$what" test $ok = yes -a -n "$(ls "$work/many")"
  check "$what: the same files" diff -r "$work/one" "$work/many"
}
same "one file, written by three" 3 "${ties[@]}" -o out && check "rank 0 alone speaks" [ "$(grep -c '^moonweld: out: ' "$work/said")" = 2 ]
same "a file or more for each of three" 3 "${ties[@]}" --shard-size 400KB -o out
same "a lone file" 2 lerp --a "$pico/kjv" --b "$pico/py" --t 0.3 -o out.safetensors
same "functions of whole matrices" 2 tsv_m --base "$pico/base" --experts "$pico/kjv" "$pico/py" --shard-size 400KB -o out
same "layers of two models" 2 stack --parts "$pico/kjv:0-2" "$pico/py:1-2" -o out
cat > "$work/shown.lua" << 'END'
return recipe { "A model, and how long each of its tensors is.", arg.model("a", "a model"),
  function(m)
    m.a:norm():show("norm")
    return m.a
  end }
END
same "numbers that are shown" 3 "$work/shown.lua" --a "$pico/kjv" --shard-size 400KB -o out
same "a seal, and what is read back" 2 lerp --a "$pico/kjv" --b "$pico/py" --t 0.3 --sha256 --verify -o out

# Every recipe that golden digests do not have, by 2 or 3.
both=(--base "$pico/base" --experts "$pico/kjv" "$pico/py")
peers=(--models "$pico/kjv" "$pico/py")
while read -r recipe words; do
  arguments=()
  for word in $words; do
    case $word in both) arguments+=("${both[@]}") ;; peers) arguments+=("${peers[@]}") ;; *) arguments+=("$word") ;; esac
  done
  same "$recipe" $((turn % 2 + 2)) "$recipe" "${arguments[@]}" --shard-size 900KB -o out
done << END
arcee_fusion --base $pico/base --model $pico/kjv
breadcrumbs both
consensus_ta both
della both
della_linear both
emr both
expo --sft $pico/base --aligned $pico/kjv
extract_lora --base $pico/base --tuned $pico/kjv --rank 4
geometric_median peers
iso_c both
karcher peers
knots_ties --base $pico/base --experts $pico/base+$pico/lora $pico/kjv
linear peers
lines both
lora_soup --base $pico/base --adapters $pico/lora $pico/lora
m3_dare both
magmax both
model_stock both
moe both
multislerp peers
nearswap --a $pico/kjv --b $pico/py
nuslerp peers
passthrough --model $pico/kjv
pcb both
ram both
sce both
wise_ft --base $pico/base --tuned $pico/kjv
wudi both --steps 2
END

# Files of mergekit, rows by their tokens, adapters; and what one process proves of an output is true of what several have made.
cat > "$work/two.yml" << END
name: first
models: [{model: $pico/kjv}, {model: $pico/py}]
merge_method: linear
parameters: {weight: 0.5}
---
models: [{model: first}, {model: $pico/man}]
base_model: $pico/base
merge_method: ties
parameters: {density: 0.5, weight: [{filter: mlp, value: 0.3}, {value: 0.7}]}
END
same "a file of mergekit with two documents" 3 "$work/two.yml" --shard-size 400KB -o out
same "rows by tokens" 2 soup --models "$pico/kjv" "$pico/py" --tokenizer base --pad-vocabulary 64 --shard-size 400KB -o out
cat > "$work/vocabulary.lua" << 'END'
-- FOLDER TOKEN...: a small model with these tokens
local folder, tokens, values = arg[1], { table.unpack(arg, 2) }, {}
for i = 1, #tokens * 64 do values[i] = (i * 37 + #tokens) % 64 / 64 end
for i, token in ipairs(tokens) do tokens[i] = ('"%s": %d'):format(token, i - 1) end
local function put(name, bytes) assert(io.open(folder .. "/" .. name, "wb")):write(bytes) end
local shape = ('"dtype": "F32", "shape": [%d, 64]'):format(#tokens)
local header = ('{"model.embed_tokens.weight": {%s, "data_offsets": [0, %d]}, "lm_head.weight": {%s, "data_offsets": [%d, %d]}}'):format(
  shape, #values * 4, shape, #values * 4, #values * 8)
local bytes = ("<" .. ("f"):rep(#values)):pack(table.unpack(values))
put("model.safetensors", ("<s8"):pack(header) .. bytes .. bytes:reverse():gsub("[\x7f\xff]", "\0"))
put("config.json", ('{"model_type": "llama", "hidden_size": 64, "vocab_size": %d, "tie_word_embeddings": false}'):format(#tokens))
put("tokenizer.json", ('{"version": "1.0", "added_tokens": [], "model": {"type": "WordLevel", "vocab": {%s}, "unk_token": "a"}}'):format(table.concat(tokens, ", ")))
END
for model in "ab a b c d" "cd a d c e f"; do
  read -r name tokens <<< "$model"
  # shellcheck disable=SC2086
  mkdir "$work/$name" && lua5.4 "$work/vocabulary.lua" "$work/$name" $tokens
done
same "tokens of two vocabularies" 2 soup --models "$work/ab" "$work/cd" --tokenizer union --shard-size 1500 -o out && check "and there are 6" grep -q '"vocab_size": 6' "$work/many/out/config.json"
same "adapters as experts" 3 ties --base "$pico/base" --experts "$pico/base+$pico/lora" "$pico/base+$pico/dora" --shard-size 400KB -o out
whole() {
  ranks 3 "${ties[@]}" -o "$work/several" --quiet
  check "an output of three is verified" "$plain" verify "$work/several" --inputs > /dev/null
  "$plain" rebuild "$work/several" -o "$work/rebuilt" --quiet > /dev/null
  check "and rebuilt by one" cmp "$work/several/model.safetensors" "$work/rebuilt/model.safetensors"
}
if mine; then whole; fi

# ---- what goes wrong ----

${CC:-cc} -std=gnu11 -D_GNU_SOURCE -O1 -shared -fPIC -o "$work/shim.so" tests/faults/shim.c -ldl -lpthread
cat > "$work/one_bad" << 'END'
#!/bin/sh
# one_bad RANK WHAT WORDS...: the program, which in one process has a fault (tests/faults/shim.c), or is in another folder or environment
if [ "${OMPI_COMM_WORLD_RANK-${PMI_RANK-$SLURM_PROCID}}" != "$1" ]; then shift 2; exec "$PROGRAM" "$@"; fi
what=$2
shift 2
case $what in
in=*) cd "${what#in=}" && exec "$PROGRAM" "$@" ;;
env=*) exec env "${what#env=}" "$PROGRAM" "$@" ;;
*) LD_PRELOAD=$SHIM FAULT=$what exec "$PROGRAM" "$@" ;;
esac
END
chmod +x "$work/one_bad"
export PROGRAM=$program SHIM=$work/shim.so
bad() { # COUNT RANK WHAT WORDS...: what is said, but for what mpirun adds
  local code
  timeout 120 $launcher -n "$1" "$work/one_bad" "${@:2}" < /dev/null > "$work/said" 2>&1
  code=$?
  grep '^moonweld' "$work/said"
  return $code
}
old=$work/old
"$plain" lerp --a "$pico/kjv" --b "$pico/py" --t 0.9 --quiet -o "$old"
before=$(cat "$old"/* | sha256sum)
unpublished() { # WHAT LINE: one error was told, like LINE, and the old output is as it was
  check "$1: it fails" test $? != 0
  check "$1: one line tells of it" test "$(grep -c '^moonweld: error: ' "$work/said")" = 1 || cat "$work/said"
  check "$1: it says so" grep -qE "^moonweld: error: $2" "$work/said" || cat "$work/said"
  check "$1: the old output stays" test "$(cat "$old"/* | sha256sum)" = "$before"
}
wrong() { # WHAT LINE COUNT RANK FAULT WORDS...: such a merge, which is not published
  mine || return 1
  bad "${@:3}" > /dev/null
  unpublished "$1" "$2"
}
alone() { check "$1: nothing lies beside it" test "$(find "$work" -maxdepth 1 -name 'old*' | wc -l)" = 1; }
# What was finished is kept, whoever finished it, and any number of processes goes on with it.
merge=(lerp --a "$pico/kjv" --b "$pico/py" --t 0.3 --force --shard-size 400KB -o)
"$plain" "${merge[@]}" "$work/whole" --quiet
goes_on() { # WHAT COUNT
  check "$1: what is finished is kept" grep -q '^moonweld: hint: the same command goes on from there: [1-9][0-9]* of ' "$work/said" || cat "$work/said"
  cp -r "$old" "$work/kept"
  ranks "$2" "${merge[@]}" "$old" > "$work/said" 2>&1 || cat "$work/said"
  check "$1: $2 go on with it" grep -q 'tensors were there from an earlier run' "$work/said" || cat "$work/said"
  check "$1: to the same weights" test "$(cat "$old"/*.safetensors | sha256sum)" = "$(cat "$work/whole"/*.safetensors | sha256sum)"
  alone "$1"
  rm -rf "$old"
  mv "$work/kept" "$old"
}
full_disk_of_1() {
  bad 3 1 pwrite:6:ENOSPC+ "${merge[@]}" "$old" > /dev/null
  unpublished "a full disk of rank 1" 'process 1 on [^:]*: .*: No space left on device'
  goes_on "a full disk of rank 1" 2
}
full_disk_of_0() {
  bad 2 0 pwrite:30:ENOSPC "${merge[@]}" "$old" > /dev/null
  unpublished "a full disk of rank 0" '.*: No space left on device'
  goes_on "a full disk of rank 0" 3
}
signal_to_one() {
  bad 3 1 pwrite:6:int "${merge[@]}" "$old" > /dev/null
  unpublished "a signal to one process" '(process 1 on [^:]*: )?interrupted at [0-9]+ %; nothing was published'
  goes_on "a signal to one process" 1
}
# A process that is gone cannot tell: mpirun ends the others, which then have a moment to tidy up.
killed() {
  bad 3 1 pwrite:6:kill "${merge[@]}" "$old" > /dev/null
  check "a killed process: it fails" test $? != 0
  check "a killed process: one line at most" test "$(grep -c '^moonweld: error: ' "$work/said")" -le 1
  check "a killed process: the old output stays" test "$(cat "$old"/* | sha256sum)" = "$before"
  ranks 2 "${merge[@]}" "$old" --quiet > "$work/said" 2>&1
  check "a killed process: two go on" test "$(cat "$old"/*.safetensors | sha256sum)" = "$(cat "$work/whole"/*.safetensors | sha256sum)" || cat "$work/said"
  alone "a killed process"
}
for one in full_disk_of_1 full_disk_of_0 signal_to_one killed; do mine && MOONWELD_JOURNAL=1 $one; done
before=$(cat "$old"/* | sha256sum)
wrong "a file that rank 1 cannot read" 'process 1 on [^:]*: .*' 2 1 pread:40:EIO "${merge[@]}" "$old"
mkdir "$work/here" "$work/there" "$work/nothing"
cp -r "$pico/kjv" "$work/here/a" && cp -r "$pico/kjv" "$work/there/a"
cd "$work/here" || exit 1
wrong "another file of the same name" 'process 2 on [^:]*: what this process finds is not what process 0 has found: the file model.safetensors of a' \
  3 2 in="$work/there" lerp --a a --b "$pico/py" --t 0.3 --force -o "$old"
wrong "an input that one of them lacks" 'process 1 on [^:]*: .*a' 2 1 in="$work/nothing" lerp --a a --b "$pico/py" --t 0.3 --force -o "$old"
cd - > /dev/null || exit 1
wrong "an input that all lack" '.*none' 3 none "" lerp --a "$pico/none" --b "$pico/py" --force -o "$old"
wrong "a wrong argument" '.*density' 2 none "" ties --base "$pico/base" --experts "$pico/kjv" --density nothing --force -o "$old"

# Each looks at some of the files for what was never written, such as what is left of a download.
zeros() {
  local from="$pico/kjv/model.safetensors" header
  header=$((8 + $(od -An -tu8 -N8 "$from")))
  cp -r "$pico/kjv" "$work/empty" && cp -r "$pico/py" "$work/cut"
  head -c "$header" "$from" > "$work/empty/model.safetensors" && truncate -s "$(stat -c %s "$from")" "$work/empty/model.safetensors"
  truncate -s 2000000 "$work/cut/model.safetensors" && truncate -s "$(stat -c %s "$from")" "$work/cut/model.safetensors"
}
if mine; then
  zeros
  bad 3 none "" soup --models "$pico/man" "$work/empty" "$pico/py" --force -o "$old" > /dev/null
  unpublished "a file of zeros" '.*empty/model.safetensors: nothing but zeros behind its header'
  "$plain" soup --models "$pico/man" "$work/cut" "$pico/kjv" -o "$work/some" 2> "$work/some.said"
  ranks 3 soup --models "$pico/man" "$work/cut" "$pico/kjv" -o "$work/some2" > "$work/said" 2>&1
  check "weights that are zeros: a warning" grep -q 'warning: .*was the file cut off' "$work/some.said" || cat "$work/some.said"
  check "weights that are zeros: the same warnings" diff <(grep warning "$work/some.said") <(grep warning "$work/said")
fi

# ---- learning, statistics of data, evaluations ----

for k in 1 2 3; do sed -n "$((k * 20 + 10)),$((k * 20 + 12))p" README.md > "$work/text$k.txt"; done
texts=("$work/text1.txt" "$work/text2.txt" "$work/text3.txt")
same "coefficients a column, of three experts by three" 3 dam --experts "$pico/kjv" "$pico/py" "$pico/man" --data "${texts[@]}" \
  --window 32 --steps 3 --overlap 0.1 --mse 0.1 --entropy 0.1 --l1 0.1 -o out
same "the same by two" 2 dam --experts "$pico/kjv" "$pico/py" "$pico/man" --data "${texts[@]}" --window 32 --steps 2 --profile released -o out
for by in model column; do
  same "weights a $by by four, three of them with data" 4 learned_soup --models "$pico/kjv" "$pico/py" --by $by --data "${texts[@]}" --window 32 --steps 3 -o out
done
for count in 2 3; do # within the products of its network
  same "one data set by $count" $count learned_soup --models "$pico/kjv" "$pico/py" --by column --data "$work/text1.txt" --window 32 --steps 2 -o out
done
same "unlabelled data" 2 adamerging --base "$pico/base" --experts "$pico/kjv" "$pico/py" --data "${texts[@]}" --window 32 --steps 2 -o out
for find in fisher gradient gram norm peak; do
  same "stats --find $find by three" 3 stats "$pico/kjv" --data "${texts[@]}" --window 24 --find $find -o out.safetensors
done
same "a recipe of statistics" 2 regmean --experts "$pico/kjv" "$pico/py" --data "$work/text1.txt" "$work/text2.txt" --window 32 --shard-size 400KB -o out
evaluation=(eval "$pico/kjv" "$pico/py" --data "${texts[@]}" --window 24 --json)
! mine || check "losses by three" test "$("$plain" "${evaluation[@]}")" = "$(ranks 3 "${evaluation[@]}")"
# What the ranks have in common is not the bytes of the data but what is read of them.
cp "$work/text1.txt" "$work/here/text.txt" && cp "$work/text2.txt" "$work/there/text.txt"
cd "$work/here" || exit 1
wrong "other data on one process" 'process 1 on [^:]*: what this process finds is not what process 0 has found: the (network|data)' \
  2 1 in="$work/there" eval "$pico/kjv" --data text.txt
wrong "other data to learn from" 'process 1 on [^:]*: .*' \
  2 1 in="$work/there" learned_soup --models "$pico/kjv" "$pico/py" --data text.txt --steps 2 --force -o "$old"
cd - > /dev/null || exit 1
wrong "data that all lack" '.*none' 2 none "" eval "$pico/kjv" --data "$work/none"
wrong "a wrong command line" '.*' 2 none "" eval --data "$work/text1.txt"

# A training that is stopped is kept by rank 0, and any number of processes goes on with it to the same bytes.
learn=(learned_soup --models "$pico/kjv" "$pico/py" --by column --data "${texts[@]}" --window 32 --steps 6 --force -o)
learned() { # WHAT COUNT: goes on by COUNT processes
  "$plain" "${learn[@]}" "$work/learned" --quiet
  check "$1: the training is kept" test -f "$old.learning" || cat "$work/said"
  cp -r "$old" "$work/kept"
  ranks "$2" "${learn[@]}" "$old" --quiet > "$work/said" 2>&1 || cat "$work/said"
  check "$1: $2 go on to the same bytes" diff -r "$work/learned" "$old"
  alone "$1"
  rm -rf "$old"
  mv "$work/kept" "$old"
}
wrong "a read error of rank 1 while it learns" 'process 1 on [^:]*: .*: Input/output error' 2 1 pread:1500:EIO "${learn[@]}" "$old" &&
  check "it says where the training is" grep -q 'old.learning keeps the training: the same command goes on from there' "$work/said" &&
  learned "a read error of rank 1 while it learns" 3
wrong "a signal to rank 0 while it learns" 'stopped after step [0-9]* of 6; .*old.learning keeps it' 3 0 pread:1500:int "${learn[@]}" "$old" &&
  learned "a signal to rank 0 while it learns" 1
if mine; then
  bad 2 1 pread:1500:kill "${learn[@]}" "$old" > /dev/null
  check "a process killed while it learns: it fails" test $? != 0
  # MPICH ends the others by SIGKILL: then no more is kept than a checkpoint every some seconds.
  [ "$kind" = mpich ] || learned "a process killed while it learns" 2
fi

# ---- several results, prompts of a recipe, whole pipelines, searches ----

cat > "$work/two.lua" << 'END'
return recipe { "Two results.", arg.model("a", "a model"), arg.model("b", "a model"),
  function(m) return lerp(m.a, m.b, 0.3), { more = lerp(m.a, m.b, 0.6) } end }
END
same "two results" 2 "$work/two.lua" --a "$pico/kjv" --b "$pico/py" -o out --also more=out2
cat > "$work/prompts.lua" << 'END'
return recipe { "What layer 0 reads of texts.", arg.model("a", "a model"), arg.model("b", "a model"), function(m)
  local function sums(of, texts) return hidden(of, texts)[1]:total{ per = "column" }:unweighed() end
  return { one = sums(m.a, prompts{ "In the beginning", "x y z" }), two = sums(m.b, prompts{ "for i in range" }),
    again = sums(m.b, prompts{ "In the beginning", "x y z" }) }
end }
END
same "prompts" 3 "$work/prompts.lua" --a "$pico/kjv" --b "$pico/py" --allow config -o out.safetensors

pipeline() { # NAME UNET ENCODER: in $work
  mkdir -p "$work/$1/unet" "$work/$1/text_encoder" "$work/$1/vae"
  cp "$pico/$2/model.safetensors" "$work/$1/unet/diffusion_pytorch_model.safetensors"
  cp "$pico/$3/"{model.safetensors,config.json} "$work/$1/text_encoder"
  cp "$pico/man/model.safetensors" "$work/$1/vae/diffusion_pytorch_model.safetensors"
  echo '{"_class_name": "UNet2DConditionModel"}' > "$work/$1/unet/config.json"
  echo '{"_class_name": "AutoencoderKL"}' > "$work/$1/vae/config.json"
  echo '{"_class_name": "P", "unet": ["diffusers", "UNet2DConditionModel"], "text_encoder": ["transformers", "CLIPTextModel"],
    "vae": ["diffusers", "AutoencoderKL"]}' > "$work/$1/model_index.json"
}
pipeline pipe1 kjv py
pipeline pipe2 py man
pipes=(lerp --a "$work/pipe1" --b "$work/pipe2" --t 0.3)
same "a whole pipeline" 2 "${pipes[@]}" --shard-size 400KB --sha256 --verify -o out
piped() {
  rm -rf "$work/pipe" "$work/piped"
  MOONWELD_JOURNAL=1 bad 3 1 pwrite:12:ENOSPC+ "${pipes[@]}" -o "$work/pipe" > /dev/null
  check "a full disk in a pipeline: it fails" test $? != 0
  check "a full disk in a pipeline: one line" grep -qE '^moonweld: error: (unet|text_encoder): process 1 on [^:]*: .*No space left' "$work/said" || cat "$work/said"
  check "a full disk in a pipeline: nothing is published" test ! -e "$work/pipe"
  MOONWELD_JOURNAL=1 ranks 2 "${pipes[@]}" -o "$work/pipe" > "$work/said" 2>&1
  check "a full disk in a pipeline: two go on" grep -q 'tensors were there from an earlier run' "$work/said" || cat "$work/said"
  "$plain" "${pipes[@]}" -o "$work/piped" --quiet
  check "a full disk in a pipeline: to the same weights" test "$(cat "$work"/pipe/*/*.safetensors | sha256sum)" = "$(cat "$work"/piped/*/*.safetensors | sha256sum)"
}
if mine; then piped; fi

search=(greedy_soup --models "$pico/kjv" "$pico/py" "$pico/man" --score)
digits='[ -z "${OMPI_MCA_pml-}" ] && cat {dir}/*.safetensors | sha256sum | tr -cd 0-9 | cut -c 1-5'
# What the program tells its own MPI is not told to commands.
same "a search by losses" 2 "${search[@]}" "loss:$work/text1.txt" -o out
same "a search by commands, two at once" 3 "${search[@]}" "$digits" --score-jobs 2 --shard-size 400KB -o out
same "a search of draws" 2 m3 --models "$pico/kjv" "$pico/py" --score "loss:$work/text1.txt" -o out
searched() {
  rm -rf "$work/never" "$work/calls"
  ranks 2 "${search[@]}" "echo >> $work/calls; [ \$(wc -l < $work/calls) != 3 ] && $digits" -o "$work/never" > "$work/said" 2>&1
  check "a command that fails: it fails" test $? != 0
  check "a command that fails: one line" test "$(grep -c '^moonweld: error: the score of candidate 3' "$work/said")" = 1 || cat "$work/said"
  check "a command that fails: scores are kept" grep -q 'the same command goes on from there: 2 scores are kept' "$work/said" || cat "$work/said"
  ranks 3 "${search[@]}" "echo >> $work/calls; [ \$(wc -l < $work/calls) != 3 ] && $digits" -o "$work/never" > "$work/said" 2>&1 || cat "$work/said"
  check "a command that fails: three go on, and measure none again" test "$(wc -l < "$work/calls")" = "$(($(grep -c 'moonweld: candidate' "$work/said") + 1))"
  rm -rf "$work/never"
  bad 2 1 pwrite:60:ENOSPC+ "${search[@]}" "$digits" -o "$work/never" > /dev/null
  check "a full disk in a search: one line" grep -qE '^moonweld: error: .*process 1 on [^:]*: .*No space left' "$work/said" || cat "$work/said"
  check "a full disk in a search: nothing is published" test ! -e "$work/never"
}
if mine; then searched; fi

# ---- how they end ----

. tests/cluster/ends.sh

# ---- what one process makes alone ----

for words in "verify $pico/base" "script $work/two.lua" "sweep lerp --a $pico/kjv --b $pico/py --t 0.1,0.2 -o $work/never"; do
  mine || continue
  # shellcheck disable=SC2086
  ranks 2 $words > "$work/said" 2>&1
  check "${words%% *} is refused" grep -q "^moonweld: error: '${words%% *}' is for one process, and this was started as 2" "$work/said" || cat "$work/said"
done
if mine; then
  ranks 2 lerp --a "$pico/kjv" --b "$pico/py" --t 0.3 --log-json -o "$work/logged" > "$work/said" 2>&1
  check "how often they tell each other" grep -q '"event":"done".*"processes":2,"told":[1-9][0-9]*,"told_bytes":[1-9]' "$work/said" || cat "$work/said"
fi
if mine; then
  timeout 60 env OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_RANK=0 "$program" lerp --a "$pico/kjv" --b "$pico/py" -o "$work/never" > "$work/said" 2>&1
  check "the launcher of another MPI: exit code 69" test $? = 69
  check "the launcher of another MPI is told of" grep -q '^moonweld: error: MPI says that this is process 0 of 1, its launcher that it is 0 of 2' "$work/said" || cat "$work/said"
fi
if mine; then check "a page is told once" test "$(ranks 3 lerp --help | grep -c '^usage:')" = 1; fi
finish
