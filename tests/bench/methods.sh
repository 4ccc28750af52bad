#!/usr/bin/env bash
# methods.sh MOONWELD [PATTERN]: every shipped method that merges models of one shape, on the same four domains: its loss on held-out text of
# each and their mean (nats a token), the seconds of CPU and the peak of memory of the merge. With comparisons of the papers of
# M3 and DAM, small: an equal ratio, one draw, the best of 16 draws; searches and trainings see the calibration windows alone. PATTERN
# chooses lines of the table. Its greatest part is measuring: about ten seconds of one core a line.
set -u
cd "$(dirname "$0")/../.."
moonweld=$1 pattern=${2:-.}
here=$(mktemp -d) || exit 1
trap 'rm -rf "$here"' EXIT
P=tests/data/pico
[ -x "$moonweld" ] || { echo "no program at $moonweld"; exit 1; }
E="$P/kjv $P/py $P/man $P/de" BE="--base $P/base --experts $P/kjv $P/py $P/man $P/de"
calibration=("$P"/data/{kjv,py,man,de}.calibration.safetensors) validation=("$P"/data/{kjv,py,man,de}.validation.safetensors)
D="--data ${calibration[*]}" S="--score loss:${calibration[*]}"

# The losses of a model's four domains, and their mean.
losses() { # MODEL
  "$moonweld" eval "$1" --data "${validation[@]}" --threads 1 --json --quiet |
    lua5.4 -e 'local n, sum = 0, 0
      for loss in io.read("a"):gmatch("\"loss\":([%d.]+)") do io.write(("%8.4f"):format(loss)) n, sum = n + 1, sum + loss end
      assert(n == 4) print(("%9.4f"):format(sum / n))'
}

# Runs a merge on one thread: seconds of CPU, its own and its children's, and the peak of resident memory.
merge() { # WORD...
  local process peak=0 now times
  "$moonweld" "$@" -o "$here/out" --dtype f32 --threads 1 --force --quiet > "$here/said" 2>&1 &
  process=$!
  while now=$(awk '/^VmHWM/ { print $2 }' "/proc/$process/status" 2> /dev/null) && [ -n "$now" ]; do
    peak=$now
    times=$(awk '{ sub(/.*\) /, ""); print $12 + $13 + $14 + $15 }' "/proc/$process/stat" 2> /dev/null) || break
    sleep 0.02
  done
  wait "$process" || { sed 's/^/    /' "$here/said"; return 1; }
  printf '%9.1f %8.1f\n' "$(awk "BEGIN { print ${times:-0} / $(getconf CLK_TCK) }")" "$(awk "BEGIN { print $peak / 1000 }")"
}

row() { # NAME WORD...
  local name=$1 cost found
  shift
  [[ $name =~ $pattern ]] || return 0
  if [ $# = 0 ]; then
    cost=$(printf '%9s %8s' - -)
    found=$(losses "$P/$name") || return
  else
    cost=$(merge "$@") || { printf '%-34s failed\n%s\n' "$name" "$cost"; status=1; return; }
    found=$(losses "$here/out") || { printf '%-34s cannot be measured\n' "$name"; status=1; return; }
  fi
  printf '%-34s%s%s\n' "$name" "$found" "$cost"
}

status=0
printf '%-34s%8s%8s%8s%8s%9s%9s %8s\n' method kjv py man de mean 'CPU s' MB
for model in base kjv py man de; do row "$model"; done
# Each line: what the table calls it, and the words.
while IFS='|' read -r name words; do
  # The words are several.
  # shellcheck disable=SC2086
  [ -z "$name" ] || row "${name%"${name##*[! ]}"}" $words
done << LINES
soup                        |soup --models $E
linear                      |linear --models $E
greedy_soup                 |greedy_soup --models $E $S
learned_soup                |learned_soup --models $E $D
learned_soup by tensor      |learned_soup --models $E $D --by tensor
learned_soup by column      |learned_soup --models $E $D --by column
geometric_median            |geometric_median --models $E
karcher                     |karcher --models $E
multislerp                  |multislerp --models $E
lerp of kjv and py          |lerp --a $P/kjv --b $P/py
slerp of kjv and py         |slerp --a $P/kjv --b $P/py
nuslerp of kjv and py       |nuslerp --models $P/kjv $P/py
nearswap of kjv and py      |nearswap --a $P/kjv --b $P/py
arcee_fusion of base and kjv|arcee_fusion --base $P/base --model $P/kjv
wise_ft of kjv              |wise_ft --base $P/base --tuned $P/kjv
dare of kjv                 |dare --base $P/base --expert $P/kjv
expo of kjv                 |expo --sft $P/base --aligned $P/kjv
task_arithmetic, 0.4        |task_arithmetic $BE --scale 0.4
ties                        |ties $BE
dare_linear, 0.4            |dare_linear $BE --scale 0.4
dare_ties                   |dare_ties $BE
breadcrumbs                 |breadcrumbs $BE --scale 0.4
della_linear                |della_linear $BE
della                       |della $BE
sce                         |sce $BE
ram                         |ram $BE
consensus_ta                |consensus_ta $BE
pcb                         |pcb $BE
emr                         |emr $BE
magmax                      |magmax $BE
model_stock                 |model_stock $BE
lines, 0.4                  |lines $BE
tsv_m                       |tsv_m $BE
iso_c                       |iso_c $BE
knots_ties                  |knots_ties $BE
wudi                        |wudi $BE
regmean                     |regmean --experts $E $D
fisher                      |fisher --experts $E $D
adamerging                  |adamerging $BE $D
dam                         |dam --experts $E $D
m3, equal ratio             |soup --models $E
m3, one draw                |m3 --models $E
m3, best of 16 draws        |m3 --models $E --samples 16 $S
m3_dare, one draw           |m3_dare $BE
m3_dare, best of 16 draws   |m3_dare $BE --samples 16 $S
m3_ties, one draw           |m3_ties $BE
m3_ties, best of 16 draws   |m3_ties $BE --samples 16 $S
evolution, 16 candidates    |tests/methods/evolve.lua $BE --generations 4 --population 4 $S
LINES
exit $status
