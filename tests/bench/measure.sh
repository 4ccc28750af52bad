# measure.sh: how the benchmark measures and prints; bench.sh sources it.
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

# Adds the slower of the last times of two lists to the list "slower".
slower() { # NAME NAME
  local one other
  one=$(awk '{ print $NF }' <<< "${times[$1]}") other=$(awk '{ print $NF }' <<< "${times[$2]}")
  times[slower]+="$((one > other ? one : other)) "
}

# The greatest private memory (RssAnon) of a command, asked of the system as often as it answers.
peak_memory() { # COMMAND...
  local peak=0 key value rest process
  "$@" > /dev/null 2>&1 &
  process=$!
  while [ -e "/proc/$process/status" ]; do
    while read -r key value rest; do
      [ "$key" = RssAnon: ] && [ "$value" -gt "$peak" ] && peak=$value
      [ "$key" = State: ] && [ "$value" = Z ] && break 2
    done 2>/dev/null < "/proc/$process/status" || true
  done
  wait "$process"
  awk "BEGIN { printf \"%.1f MB\", $peak / 1000 }"
}

# Takes files out of the page cache, as well as one may without being root.
forget() { # FILE...
  local file
  sync
  for file; do dd if="$file" iflag=nocache count=0 status=none; done
}

median() { tr ' ' '\n' | grep . | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# The median of the rounds' own ratios.
ratio() { # NAME NAME
  paste <(tr ' ' '\n' <<< "${times[$1]}" | grep .) <(tr ' ' '\n' <<< "${times[$2]}" | grep .) |
    awk '{ printf "%.4f\n", $1 / $2 }' | median
}

# The median of what one list takes longer than another, of all threads and of each of so many elements, by so many nanoseconds.
beyond() { # NAME NAME ELEMENTS NANOSECONDS
  paste <(tr ' ' '\n' <<< "${times[$1]}" | grep .) <(tr ' ' '\n' <<< "${times[$2]}" | grep .) |
    awk -v threads="$threads" -v n="$3" -v each="$4" '{ printf "%.4f\n", ($1 - $2) * 1000 * threads / n / each }' | median
}

milliseconds() { median <<< "${times[$1]}" | awk '{ printf "%.1f ms", $1 / 1000 }'; }

# What was found, beside what it may be at most and what it aims at, in one unit, and whether it is.
row() { # WHAT FOUND [LIMIT [AIM]]
  local verdict
  verdict=$(awk -v found="${2%% *}" -v limit="${3-}" -v aim="${4-}" 'BEGIN {
    if (found !~ /^[0-9.]+$/ || limit !~ /^[0-9]/) exit
    print (found + 0 > limit + 0 ? "OVER" : aim != "" && found + 0 > aim + 0 ? "within" : "good") }')
  printf '%-44s %12s  %-8s %-6s %s\n' "$1" "$2" "${3-}" "${4-}" "$verdict"
}
