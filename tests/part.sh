# part.sh: a suite that is run as several jobs gets PART=K/N and takes every N-th case, from the K-th on; without PART, all.
turn=0
mine() { # true where the next case is one of ours
  turn=$((turn + 1))
  [ -z "${PART-}" ] || [ $(((turn - 1) % ${PART#*/} + 1)) = "${PART%/*}" ]
}
