#!/usr/bin/env bash
# cluster.sh PLAIN MPI: what a merge by several processes costs on one machine: ties of three models of bf16 (MIB each, 1024), by one process with two
# threads (without mpirun, and as one rank of it), and by 1, 2 and 4 processes with one thread each: the least of ROUNDS (5), in turns, without
# checksums and without waiting for the disk; 16 files, so that each process writes as much. "merge" is the time that the program tells, from when it
# has started; CPU is that of all processes; "read" is what the process read that read most, "told" what rank 0 has told the others, and how often.
# Works in $TMPDIR or build/bench.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
plain=$(realpath "$1") program=$(realpath "$2")
work=$(mktemp -d -p "${TMPDIR:-$here/../../build}")
trap 'rm -rf "$work"' EXIT
export LC_ALL=C OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
export OMPI_MCA_hwloc_base_binding_policy=none OMP_WAIT_POLICY=passive
${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 -o "$work/models" "$here/models.c"
cd "$work"
for seed in 1 2 3 4; do ./models "m$seed" bf16 $((${MIB:-1024} / 16)) 8388608 "$seed"; done
words=(ties --base m1 --experts m2 m3 m4 --no-hash --no-sync --log-json --shard-size 70MB --force -o out)
pico=$here/../data/pico
steps=(dam --experts "$pico/kjv" "$pico/py" --data "$pico/data/kjv.calibration.safetensors" "$pico/data/py.calibration.safetensors" --steps "${STEPS:-6}"
  --log-json --force -o learned)
cat > told << 'END'
#!/bin/bash
# The words, and then what the process has read.
"$@"
code=$?
read -r _ bytes < /proc/self/io
echo "$bytes" > "read.${OMPI_COMM_WORLD_RANK-0}"
exit $code
END
chmod +x told
run() { # NAME COMMAND...
  local name=$1
  shift
  rm -f read.*
  TIMEFORMAT="%R %U %S"
  { time "$@" < /dev/null > said 2>&1; } 2> times || { cat said; exit 1; }
  awk -v read="$(sort -n read.* | tail -n 1)" -v told="$(sed -n 's/.*"told":\([0-9]*\),"told_bytes":\([0-9]*\).*/\1 \2/p' said)" \
    -v merge="$(sed -n 's/.*"event":"done".*"seconds":\([0-9.]*\).*/\1/p' said)" '{ print $1, $2 + $3, read, merge + 0, told }' times >> "$name"
}
for _ in $(seq "${ROUNDS:-5}"); do
  run one env OMP_NUM_THREADS=2 ./told "$plain" "${words[@]}"
  run rank env OMP_NUM_THREADS=2 mpirun -n 1 ./told "$program" "${words[@]}"
  for count in 1 2 4; do run "$count" env OMP_NUM_THREADS=1 mpirun -n "$count" ./told "$program" "${words[@]}"; done
  run start mpirun -n 2 ./told "$program" lerp --help
  run steps1 env OMP_NUM_THREADS=2 mpirun -n 1 ./told "$program" "${steps[@]}"
  run steps2 env OMP_NUM_THREADS=1 mpirun -n 2 ./told "$program" "${steps[@]}"
done
least() { sort -n -k "$2,$2" "$1" | awk -v k="$2" 'NR == 1 { print $k }'; }
printf '%-34s %9s %9s %9s %10s %12s\n' "ties of $((4 * ${MIB:-1024})) MiB" "wall, s" "merge, s" "CPU, s" "read, MiB" "told, KiB"
for name in one rank 1 2 4 start; do
  case $name in one) what="1 process x 2 threads" ;; rank) what="1 rank x 2 threads" ;; start) what="2 processes that only start" ;; *) what="$name processes x 1 thread" ;; esac
  printf '%-34s %9.2f %9.2f %9.2f %10.0f %12s\n' "$what" "$(least "$name" 1)" "$(least "$name" 4)" "$(least "$name" 2)" \
    "$(($(least "$name" 3) / 1048576))" "$(awk 'NR == 1 && NF > 4 { printf "%d in %d", $6 / 1024, $5 }' "$name")"
done
ratio() { # NAME COLUMN [TWO]: 2 x 1 thread / that one
  awk -v two="$(least "${3-2}" "$2")" -v one="$(least "$1" "$2")" 'BEGIN { printf "%9.2f", two / one }'
}
printf '%-34s %s %s %s  at most 1.10\n' "2 ranks x 1 / 1 rank x 2 threads" "$(ratio rank 1)" "$(ratio rank 4)" "$(ratio rank 2)"
printf '%-34s %s %s %s\n' "2 ranks x 1 / 1 process x 2" "$(ratio one 1)" "$(ratio one 4)" "$(ratio one 2)"
printf '%-34s %s %s %s  at most 1.10\n' "the same of dam's steps" "$(ratio steps1 1 steps2)" "$(ratio steps1 4 steps2)" "$(ratio steps1 2 steps2)"
