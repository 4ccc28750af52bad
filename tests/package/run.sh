#!/usr/bin/env bash
# run.sh [ROOT]: `make deb` makes a package that is whole, and `make doc` pages of every word. ROOT: a bare Debian of this release, such as
# debootstrap makes; the package is installed into it (it needs the network), runs there, and is removed. Not a part of `make test`: it takes minutes.
set -u
cd "$(dirname "$0")/../.."
root=${1-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
check() { # SENTENCE COMMAND...
  local what=$1
  shift
  if "$@" > "$work/said" 2>&1; then passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "not ok: $what"
    tail -n 20 "$work/said" | sed 's/^/    /'
  fi
}

has() { # FILE PATTERN...
  local file=$1 pattern
  shift
  for pattern in "$@"; do grep -qE -- "$pattern" "$file" || { echo "$file lacks $pattern"; return 1; }; done
}

# Whatever is asked for is there, and what is called with it answers.
made() {
  local file
  make deb && file=$(ls build/moonweld_*.deb) && dpkg-deb --info "$file" > "$work/info" && dpkg-deb --contents "$file" > "$work/contents" || return 1
  has "$work/info" '^ Package: moonweld$' '^ Depends: .*libc6 .*liblua5.4-0 .*libopenblas0' '^ Recommends: libedit2$' || return 1
  has "$work/contents" ' \./usr/bin/moonweld$' '/moonweld\.1\.gz$' 'bash-completion/completions/moonweld$' 'lua/5\.4/moonweld\.so$' \
    '/moonweld\.h$' 'pkgconfig/moonweld\.pc$' 'share/moonweld/recipes/ties\.lua$' 'recipe\.luacheckrc$' 'luarc\.json$' 'moonweld/copyright$' || return 1
  ! grep -vE '^[d-]?[lrwx-]+ root/root ' "$work/contents" && ! grep -E ' \./(home|root|tmp|work)' "$work/contents"
}
works() {
  dpkg-deb --extract build/moonweld_*.deb "$work/there" && "$work/there/usr/bin/moonweld" --version &&
    LUA_CPATH="$(dirname "$(find "$work/there" -path '*lua/5.4/moonweld.so')")/?.so" lua5.4 -e 'print(#require("moonweld").recipes())'
}
documented() {
  make doc || return 1
  local name
  sed -nE 's/^function ([A-Z][a-z]+[:.])?([a-z_]+\.)?([A-Za-z_]+)\(.*/\3/p' lua/moonweld/types.lua | sort -u | while read -r name; do
    grep -qF "$name" build/doc/modules/recipes.html build/doc/modules/moonweld.html || { echo "no page has $name"; return 1; }
  done
}

if command -v dpkg-deb > /dev/null; then
  check "make deb makes a whole package" made
  check "what it holds works where it lies" works
else echo "skipped: dpkg-deb is not here"; fi
if command -v ldoc > /dev/null; then check "make doc has every word" documented
else echo "skipped: ldoc is not here"; fi

bare() {
  cp build/moonweld_*.deb "$root/tmp/moonweld.deb" && cp -r tests/data/pico "$root/tmp/pico" &&
    chroot "$root" sh -euc 'export DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin
      apt-get update -q && apt-get install -q -y --no-install-recommends /tmp/moonweld.deb
      cd /tmp && moonweld --version && moonweld lerp --a pico/kjv --b pico/de --t 0.3 -o merged && moonweld verify merged --inputs
      moonweld eval merged --data pico/data/kjv.calibration.safetensors
      apt-get remove -q -y moonweld && [ ! -e /usr/bin/moonweld ]'
}
[ -z "$root" ] || check "it installs and runs on a bare $root" bare

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
