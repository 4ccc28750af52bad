# ends.sh: a part of run.sh: how merges by several processes end. One of them is killed before each change of the disk; the launcher gets a
# signal; statistics are killed and found again; processors whose OpenBLAS computes otherwise.

# Of each kind of file that the merge makes: weights, which are synced, side files, the lock, the old output, which is replaced.
replacing=("${merge[@]}" "$work/killed/out")
killed_at() { # RANK CALL NUMBER WHEN
  local what="process $1 of 3 killed $4"
  rm -rf "$work/killed" && mkdir "$work/killed" && cp -r "$old" "$work/killed/out"
  bad 3 "$1" "$2:$3:kill" "${replacing[@]}" > /dev/null
  check "$what: it fails" test $? != 0 || cat "$work/said"
  check "$what: one line at most" test "$(grep -c '^moonweld: error: ' "$work/said")" -le 1 || cat "$work/said"
  check "$what: the output is the old one or whole" whole_or_old || ls -R "$work/killed"
  ranks 2 "${replacing[@]}" --quiet > "$work/said" 2>&1 || cat "$work/said"
  check "$what: two make it" test "$(cat "$work/killed/out"/*.safetensors | sha256sum)" = "$(cat "$work/whole"/*.safetensors | sha256sum)"
  check "$what: nothing lies beside it" test "$(ls "$work/killed")" = out || ls "$work/killed"
}
whole_or_old() {
  [ "$(cat "$work/killed/out"/* | sha256sum)" = "$before" ] || "$plain" verify "$work/killed/out" > /dev/null
}
# Rank 0 opens and publishes, all write and sync.
while read -r rank call number when; do
  ! mine || MOONWELD_JOURNAL=1 killed_at "$rank" "$call" "$number" "$when"
done << 'END'
1 open 3 while it plans
0 open 3 while it plans
2 pread 3 while it opens its inputs
0 mkdirat 1 before there is a folder
0 fallocate 2 while it makes the files
1 pwrite 1 at its first block
0 pwrite 40 at some block
2 fdatasync 1 at its first sync
1 fdatasync 3 at a later sync
0 fsync 1 when folders are synced
0 renameat2 1 before it is published
0 unlinkat 1 when the first old file goes
0 unlinkat 8 when old files go
END

# ---- the launcher is ended ----

# A signal to mpirun or srun, as by Ctrl-C, or a job that is cancelled, while a command of a score runs. srun gives its processes no time
# where it is ended itself (TERM, two INT): what they leave is found by `clean`.
ended() { # HOW
  local job k at_once=no
  rm -rf "$work/asked" "$work/never"*
  env --default-signal=INT $launcher -n 2 "$program" "${search[@]}" "echo \"\${SLURM_JOB_ID-}\" > $work/asked; sleep 600; : {dir}" -o "$work/never" \
    < /dev/null > "$work/said" 2>&1 &
  job=$!
  for ((k = 0; k < 1200; k++)); do [ ! -s "$work/asked" ] || break; sleep 0.05; done
  case $1,$launcher in
  scancel,*) scancel "$(cat "$work/asked")" ;;
  INT,srun*) at_once=yes && kill -INT $job && sleep 0.2 && kill -INT $job ;;
  *,srun*) at_once=yes && kill "-$1" $job ;;
  *) kill "-$1" $job ;;
  esac
  wait $job
  check "$1 to all: it fails" test $? != 0
  check "$1 to all: one line" test "$(grep -c '^moonweld: error: ' "$work/said")" -le 1 || cat "$work/said"
  [ $at_once = no ] || { sleep 0.5 && "$plain" clean "$work/never" > /dev/null; }
  for ((k = 0; k < 200; k++)); do [ -n "$(find "$work" -maxdepth 1 -name 'never*')" ] || break; sleep 0.05; done
  check "$1 to all: nothing is left" [ -z "$(find "$work" -maxdepth 1 -name 'never*')" ] || ls "$work" "$work"/never*
}
for how in TERM INT scancel; do
  case $how,$launcher in scancel,mpirun*) continue ;; esac
  ! mine || ended $how
done

# ---- statistics ----

found=(stats "$pico/kjv" --data "${texts[@]}" --window 24 --find gram --force -o)
lost() { # WHAT FAULT: in process 1 of 3
  rm -rf "$work/found" "$work/alone" && mkdir "$work/found" "$work/alone"
  bad 3 1 "$2" "${found[@]}" "$work/found/out.safetensors" > /dev/null
  check "statistics, $1: they fail" test $? != 0
  check "statistics, $1: one line at most" test "$(grep -c '^moonweld: error: ' "$work/said")" -le 1 || cat "$work/said"
  check "statistics, $1: nothing is published" test ! -e "$work/found/out.safetensors"
  (cd "$work/found" && ranks 2 "${found[@]}" out.safetensors > "$work/said" 2>&1) || cat "$work/said"
  (cd "$work/alone" && "$plain" "${found[@]}" out.safetensors > "$work/said" 2>&1)
  check "statistics, $1: two find them again" diff -r "$work/found" "$work/alone"
}
if mine; then lost "a process killed" pread:40:kill; fi
if mine; then lost "a signal to one process" pread:40:int; fi

# ---- processors of several kinds ----

# What is learned has the bits of OpenBLAS's kernels, which are chosen for a processor: all must have the same. Other merges do not ask.
wrong "another core type to learn with" 'process 1 on [^:]*: what this process finds is not what process 0 has found: the core type of OpenBLAS' \
  2 1 env=OPENBLAS_CORETYPE=Prescott learned_soup --models "$pico/kjv" "$pico/py" --data "${texts[0]}" --steps 2 --force -o "$old"
wrong "another core type for statistics" 'process 1 on [^:]*: .*: the core type of OpenBLAS' \
  2 1 env=OPENBLAS_CORETYPE=Prescott regmean --experts "$pico/kjv" "$pico/py" --data "${texts[@]:0:2}" --force -o "$old"
wrong "another core type for functions of matrices" 'process 1 on [^:]*: .*: the core type of OpenBLAS' \
  2 1 env=OPENBLAS_CORETYPE=Prescott tsv_m "${both[@]}" --force -o "$old"
unlike() {
  bad 3 1 env=OPENBLAS_CORETYPE=Prescott "${merge[@]}" "$work/unlike" > /dev/null || cat "$work/said"
  check "another core type, nothing learned" test "$(cat "$work/unlike"/*.safetensors | sha256sum)" = "$(cat "$work/whole"/*.safetensors | sha256sum)"
}
if mine; then unlike; fi
wrong "another core type to evaluate with" 'process 1 on [^:]*: .*: the (network|core type)' \
  2 1 env=OPENBLAS_CORETYPE=Prescott eval "$pico/kjv" --data "${texts[0]}"
